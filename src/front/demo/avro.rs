//! The two schemas of the topic `orders`, and its records as bytes of either. Knows nothing of topics.

use crate::registry::{SchemaId, wire};

const HEAD: &str = r#"{"type":"record","name":"Order","namespace":"weir.demo","fields":[
  {"name":"id","type":"long"},
  {"name":"customer","type":{"type":"record","name":"Customer","fields":[
    {"name":"id","type":"string"},
    {"name":"name","type":"string"},
    {"name":"tier","type":["null","string"],"default":null}]}},
  {"name":"items","type":{"type":"array","items":{"type":"record","name":"Item","fields":[
    {"name":"sku","type":"string"},
    {"name":"quantity","type":"int"},
    {"name":"price","type":{"type":"bytes","logicalType":"decimal","precision":10,"scale":2}}]}}},
  {"name":"amount","type":{"type":"bytes","logicalType":"decimal","precision":10,"scale":2}},
  {"name":"region","type":{"type":"enum","name":"Region","symbols":["EU","US","APAC","LATAM"]}},
  {"name":"status","type":"string"},
  {"name":"created_at","type":{"type":"long","logicalType":"timestamp-millis"}}"#;

/// The schema text of version 1 or 2; version 2 has the field `channel` too.
pub fn schema(version: u8) -> String {
    let tail =
        if version == 1 { "]}" } else { ",\n  {\"name\":\"channel\",\"type\":\"string\",\"default\":\"web\"}]}" };
    format!("{HEAD}{tail}")
}

/// One item of an order.
#[derive(Debug, Clone)]
pub struct Item {
    /// What.
    pub sku: String,
    /// How many.
    pub quantity: i64,
    /// Price of one, in hundredths.
    pub price_cents: i64,
}

/// One order.
#[derive(Debug, Clone)]
pub struct Order {
    /// Its number.
    pub id: i64,
    /// Who ordered.
    pub customer_id: String,
    /// Their name.
    pub customer_name: String,
    /// Their tier, if they have one.
    pub tier: Option<&'static str>,
    /// What was ordered.
    pub items: Vec<Item>,
    /// Index into the schema's symbols.
    pub region: i64,
    /// How far it got.
    pub status: &'static str,
    /// When it was made, milliseconds since the epoch.
    pub created_at_ms: i64,
    /// Where it came from; only in version 2.
    pub channel: Option<&'static str>,
}

impl Order {
    /// What it costs, in hundredths.
    pub fn amount_cents(&self) -> i64 {
        self.items.iter().map(|i| i.quantity * i.price_cents).sum()
    }

    /// The framed record.
    pub fn encode(&self, schema: SchemaId) -> Vec<u8> {
        let mut out = Vec::with_capacity(128);
        out.extend_from_slice(&wire::header(schema));
        long(self.id, &mut out);
        text(&self.customer_id, &mut out);
        text(&self.customer_name, &mut out);
        match self.tier {
            None => long(0, &mut out),
            Some(tier) => {
                long(1, &mut out);
                text(tier, &mut out);
            }
        }
        if !self.items.is_empty() {
            long(i64::try_from(self.items.len()).unwrap_or(0), &mut out);
            for item in &self.items {
                text(&item.sku, &mut out);
                long(item.quantity, &mut out);
                decimal(item.price_cents, &mut out);
            }
        }
        long(0, &mut out);
        decimal(self.amount_cents(), &mut out);
        long(self.region, &mut out);
        text(self.status, &mut out);
        long(self.created_at_ms, &mut out);
        if let Some(channel) = self.channel {
            text(channel, &mut out);
        }
        out
    }
}

fn long(value: i64, out: &mut Vec<u8>) {
    let mut rest = ((value << 1) ^ (value >> 63)).cast_unsigned();
    loop {
        let [low, ..] = rest.to_le_bytes();
        rest >>= 7;
        if rest == 0 {
            out.push(low & 0x7f);
            return;
        }
        out.push(low | 0x80);
    }
}

fn bytes(value: &[u8], out: &mut Vec<u8>) {
    long(i64::try_from(value.len()).unwrap_or(0), out);
    out.extend_from_slice(value);
}

fn text(value: &str, out: &mut Vec<u8>) {
    bytes(value.as_bytes(), out);
}

/// Big-endian two's complement; leading bytes that say nothing are allowed.
fn decimal(cents: i64, out: &mut Vec<u8>) {
    bytes(&cents.to_be_bytes(), out);
}
