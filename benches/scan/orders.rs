//! The orders: the same for the same number on every machine, as Avro and as JSON, and what must come out of them.

use std::io::Write;

use weir::registry::{SchemaId, wire};

/// How many keys there are.
const KEYS: u64 = 100_000;
/// The key that is looked for.
pub const KEY: &str = "c000042";
const REGIONS: [&str; 4] = ["APAC", "EU", "LATAM", "US"];
const STATUSES: [&str; 5] = ["new", "paid", "shipped", "delivered", "cancelled"];
const START_MS: i64 = 1_700_000_000_000;

/// The schema of [`Order::avro`].
pub const SCHEMA: &str = r#"{"type":"record","name":"Order","fields":[
  {"name":"id","type":"long"},{"name":"customer","type":"string"},{"name":"region","type":"string"},
  {"name":"status","type":"string"},{"name":"amount","type":"double"},{"name":"quantity","type":"int"},
  {"name":"created_at","type":{"type":"long","logicalType":"timestamp-millis"}},{"name":"note","type":"string"}]}"#;

/// One order.
pub struct Order {
    id: i64,
    customer: u64,
    region: &'static str,
    status: &'static str,
    /// Quarters of the currency, so that sums of them are exact in floating point.
    amount_quarters: i64,
    quantity: i64,
    /// Milliseconds since the epoch.
    pub created_at_ms: i64,
    seed: u64,
}

impl Order {
    /// The order with this number.
    pub fn new(number: u64) -> Self {
        let seed = mix(number);
        let at = number.cast_signed();
        Order {
            id: at,
            customer: seed % KEYS,
            region: REGIONS[(seed >> 20) as usize % REGIONS.len()],
            status: STATUSES[(seed >> 24) as usize % STATUSES.len()],
            amount_quarters: ((seed >> 30) % 40_000).cast_signed(),
            quantity: 1 + ((seed >> 50) % 20).cast_signed(),
            created_at_ms: START_MS + at,
            seed,
        }
    }

    /// Its key.
    pub fn key(&self) -> String {
        format!("c{:06}", self.customer)
    }

    fn amount(&self) -> f64 {
        self.amount_quarters as f64 / 4.0
    }

    /// `words` times sixteen characters that do not compress well.
    fn note(&self, words: u64, out: &mut Vec<u8>) {
        for word in 1..=words {
            let _ = write!(out, "{:016x}", mix(self.seed ^ word));
        }
    }

    /// Appends it as framed Avro, about 190 bytes.
    pub fn avro(&self, schema: SchemaId, out: &mut Vec<u8>) {
        out.extend_from_slice(&wire::header(schema));
        long(self.id, out);
        text(self.key().as_bytes(), out);
        text(self.region.as_bytes(), out);
        text(self.status.as_bytes(), out);
        out.extend_from_slice(&self.amount().to_le_bytes());
        long(self.quantity, out);
        long(self.created_at_ms, out);
        long(9 * 16, out);
        self.note(9, out);
    }

    /// Appends it as JSON, about 190 bytes.
    pub fn json(&self, out: &mut Vec<u8>) {
        let _ = write!(
            out,
            r#"{{"id":{},"customer":"c{:06}","region":"{}","status":"{}","amount":{:.2},"quantity":{},"created_at":{},"note":""#,
            self.id,
            self.customer,
            self.region,
            self.status,
            self.amount(),
            self.quantity,
            self.created_at_ms
        );
        self.note(3, out);
        out.extend_from_slice(b"\"}");
    }
}

/// What queries over the first orders must answer.
pub struct Expected {
    /// How many there are.
    pub records: u64,
    /// How many have [`KEY`].
    pub with_key: u64,
    /// The sum of their quantities.
    pub quantity: i64,
    /// Region, count, sum of amounts; by region.
    pub regions: Vec<(&'static str, u64, f64)>,
}

impl Expected {
    /// Of the orders `0..records`.
    pub fn of(records: u64) -> Self {
        let mut expected = Expected { records, with_key: 0, quantity: 0, regions: Vec::new() };
        let mut regions = REGIONS.map(|r| (r, 0, 0));
        for order in (0..records).map(Order::new) {
            expected.with_key += u64::from(order.customer == 42);
            expected.quantity += order.quantity;
            for (region, count, quarters) in &mut regions {
                if *region == order.region {
                    *count += 1;
                    *quarters += order.amount_quarters;
                }
            }
        }
        let filled = regions.iter().filter(|(_, count, _)| *count > 0);
        expected.regions = filled.map(|(region, count, quarters)| (*region, *count, *quarters as f64 / 4.0)).collect();
        expected
    }
}

/// splitmix64.
fn mix(number: u64) -> u64 {
    let mut z = number.wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

fn long(value: i64, out: &mut Vec<u8>) {
    let mut rest = ((value << 1) ^ (value >> 63)).cast_unsigned();
    while rest > 0x7f {
        out.push((rest & 0x7f) as u8 | 0x80);
        rest >>= 7;
    }
    out.push(rest as u8);
}

fn text(bytes: &[u8], out: &mut Vec<u8>) {
    long(bytes.len() as i64, out);
    out.extend_from_slice(bytes);
}
