//! Orders as framed Avro: weir.

use std::sync::Arc;

use weir::format::avro::Avro;
use weir::format::{DecodeSpec, Format};
use weir::registry::{RegisteredSchema, SchemaType};

use crate::orders::{Order, SCHEMA};
use crate::{ALL, AMOUNT, Case, REGION, Result, batches, uses};

const SCHEMA_ID: i32 = 1;

/// All cases over the first orders.
pub fn cases(records: u64) -> Result<Vec<Case>> {
    let texts: Vec<Vec<u8>> = (0..records)
        .map(|number| {
            let mut bytes = Vec::new();
            Order::new(number).avro(SCHEMA_ID, &mut bytes);
            bytes
        })
        .collect();
    let batches = batches(&texts);
    let schema = Arc::new(RegisteredSchema {
        id: SCHEMA_ID,
        schema_type: SchemaType::Avro,
        text: SCHEMA.into(),
        references: Vec::new(),
    });
    let fields = Avro.fields(&schema)?;
    let case = |name, columns: &[usize]| -> Result<Case> {
        let spec = DecodeSpec { fields: fields.clone(), reader: Some(Arc::clone(&schema)), columns: uses(columns) };
        let mut decoder = Avro.decoder(spec)?;
        decoder.learn(SCHEMA_ID, Ok(Arc::clone(&schema)));
        Ok(Case::of(name, decoder, &batches))
    };
    Ok(vec![case("weir, Avro, 2 of 8 columns", &[REGION, AMOUNT])?, case("weir, Avro, 8 columns", &ALL)?])
}
