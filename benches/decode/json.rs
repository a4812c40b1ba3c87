//! Orders as JSON: arrow-json, weir without its short cuts, weir.

use std::sync::Arc;

use arrow::array::{Array, BinaryViewArray};
use arrow::datatypes::{DataType, Field, Fields, Schema, TimeUnit};
use chrono::SecondsFormat;
use weir::format::json::Json;
use weir::format::{ColumnUse, DecodeSpec, Format};

use crate::orders::Order;
use crate::{ALL, AMOUNT, Case, REGION, Result, Sums, batches, uses};

const CREATED_AT: usize = 6;

fn fields() -> Fields {
    let types = [
        ("id", DataType::Int64),
        ("customer", DataType::Utf8),
        ("region", DataType::Utf8),
        ("status", DataType::Utf8),
        ("amount", DataType::Float64),
        ("quantity", DataType::Int32),
        ("created_at", DataType::Timestamp(TimeUnit::Millisecond, Some("+00:00".into()))),
        ("note", DataType::Utf8),
    ];
    types.into_iter().map(|(name, data_type)| Field::new(name, data_type, true)).collect()
}

/// All cases over the first orders.
pub fn cases(records: u64) -> Result<Vec<Case>> {
    let texts = |change: fn(u64, &str) -> String| -> Result<Vec<BinaryViewArray>> {
        let mut all = Vec::new();
        for number in 0..records {
            let mut text = Vec::new();
            Order::new(number).json(&mut text);
            all.push(change(number, std::str::from_utf8(&text)?).into_bytes());
        }
        Ok(batches(&all))
    };
    let plain = texts(|_, text| text.to_string())?;
    let spaced = texts(|_, text| text.replace("\":", "\": ").replace(",\"", ", \""))?;
    let shuffled = texts(shuffled)?;
    let missing = texts(|number, text| match number % 3 {
        0 => text.to_string(),
        1 => text.replace("\"status\":", "\"state\":"),
        _ => text.replace("\"quantity\":", "\"flag\":true,\"quantity\":"),
    })?;
    let stamped = texts(|number, text| {
        let ms = Order::new(number).created_at_ms;
        let time = chrono::DateTime::from_timestamp_millis(ms).map(|t| t.to_rfc3339_opts(SecondsFormat::Millis, true));
        text.replace(&ms.to_string(), &format!("\"{}\"", time.unwrap_or_default()))
    })?;
    let nested = texts(|_, text| format!("{{\"source\":\"web\",\"order\":{text}}}"))?;
    let two = || DecodeSpec { fields: fields(), reader: None, columns: uses(&[REGION, AMOUNT]) };
    let three = || DecodeSpec { columns: uses(&[CREATED_AT, REGION, AMOUNT]), ..two() };
    let all = || DecodeSpec { columns: uses(&ALL), ..two() };
    let part = || {
        let below = vec![vec!["region".to_string()], vec!["amount".to_string()]];
        DecodeSpec {
            fields: vec![Field::new("order", DataType::Struct(fields()), true)].into(),
            reader: None,
            columns: vec![ColumnUse { index: 0, paths: Some(below) }],
        }
    };
    let guessing = |spec: DecodeSpec| Json.decoder(spec);
    Ok(vec![
        library("arrow-json, 2 of 8 columns", &[REGION, AMOUNT], &plain),
        library("arrow-json, 8 columns", &ALL, &plain),
        Case::of("weir without short cuts, 2 of 8 columns", Json::checked(two())?, &plain),
        Case::of("weir without short cuts, 8 columns", Json::checked(all())?, &plain),
        Case::of("weir without short cuts, 2 of 8 columns, keys shuffled", Json::checked(two())?, &shuffled),
        Case::of("weir, 2 of 8 columns, same keys", guessing(two())?, &plain),
        Case::of("weir, 8 columns", guessing(all())?, &plain),
        Case::of("weir, 2 of 8 columns, keys shuffled", guessing(two())?, &shuffled),
        Case::of("weir, 2 of 8 columns, three shapes", guessing(two())?, &missing),
        Case::of("weir, 2 of 8 columns, a space after each comma and colon", guessing(two())?, &spaced),
        Case::of("weir, 3 of 8 columns, one a time as text", guessing(three())?, &stamped),
        Case::of("weir, 2 of 8 fields of a struct", guessing(part())?, &nested),
    ])
}

/// The fields of a flat object without commas in its values, in an order that the number decides.
fn shuffled(number: u64, text: &str) -> String {
    let mut fields: Vec<&str> = text[2..text.len() - 1].split(",\"").collect();
    let mut rest = number.wrapping_mul(0x9E37_79B9_7F4A_7C15);
    for place in (1..fields.len()).rev() {
        fields.swap(place, (rest >> 32) as usize % (place + 1));
        rest = rest.wrapping_mul(0xD134_2543_DE82_EF95).wrapping_add(1);
    }
    format!("{{\"{}}}", fields.join(",\""))
}

fn library(name: &'static str, columns: &[usize], batches: &[BinaryViewArray]) -> Case {
    let all = fields();
    let schema = Arc::new(Schema::new(columns.iter().map(|c| Arc::clone(&all[*c])).collect::<Vec<_>>()));
    let batches = batches.to_vec();
    Case::new(name, move || {
        let mut sums = Sums::default();
        for batch in &batches {
            let mut decoder =
                arrow_json::ReaderBuilder::new(Arc::clone(&schema)).with_batch_size(batch.len()).build_decoder()?;
            for record in batch.iter().flatten() {
                decoder.decode(record)?;
            }
            sums.add(decoder.flush()?.ok_or("no batch")?.columns())?;
        }
        Ok(sums)
    })
}
