//! The sample topics and their records: the same for the same size but for the time they end at.

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;
use serde_json::json;

use super::avro::{Item, Order, schema};
use super::random::Random;
use crate::connect::{Connector, NewRecord, NewTopic, Writer};
use crate::error::{Error, Result};
use crate::registry::{SchemaId, SchemaType};
use crate::session::engine::Engine;

/// Every topic [`make`] makes.
pub const TOPICS: &[&str] = &["orders", "payments", "clicks", "customers"];

/// The records span this long.
const SPAN_MS: i64 = 24 * 3_600_000;
const MINUTE_MS: i64 = 60_000;
/// Records that are handed to a writer at once.
const CHUNK: usize = 1000;

const FIRST: &[&str] = &[
    "Ada", "Alan", "Barbara", "Dennis", "Edsger", "Frances", "Grace", "Hedy", "Ivan", "Jim", "Ken", "Leslie",
    "Margaret", "Niklaus", "Radia", "Tony",
];
const LAST: &[&str] = &[
    "Abadi",
    "Codd",
    "Dahl",
    "Engelbart",
    "Floyd",
    "Gray",
    "Hamilton",
    "Iverson",
    "Kay",
    "Lamport",
    "Liskov",
    "Naur",
    "Perlman",
    "Shannon",
    "Tarjan",
    "Wirth",
];
const COUNTRIES: &[&str] = &["DE", "FR", "PL", "US", "US", "BR", "JP", "IN"];
const AGENTS: &[&str] = &["firefox", "chrome", "chrome", "safari", "app"];
const GOODS: &[(&str, u64)] = &[
    ("mug", 950),
    ("lamp", 4900),
    ("chair", 12_900),
    ("desk", 34_900),
    ("pen", 250),
    ("notebook", 790),
    ("plant", 1850),
    ("shelf", 7900),
    ("clock", 3250),
    ("rug", 15_900),
];
const STEPS: &[&str] = &["view", "product", "cart", "checkout", "purchase"];

/// Makes all sample topics for `size` orders, the last of them made at `end_ms`. None of the topics may be there.
///
/// # Errors
/// A topic that is there, a log that cannot be written, a registry that refuses the schemas.
pub async fn make(engine: &Arc<Engine>, size: u64, end_ms: i64) -> Result<()> {
    let registry = engine.registry().ok_or_else(|| Error::internal("the demo has no registry"))?;
    registry.delete_subject("orders-value").await?;
    let old = registry.register("orders-value", SchemaType::Avro, &schema(1)).await?;
    let new = registry.register("orders-value", SchemaType::Avro, &schema(2)).await?;
    let connector = engine.connector().as_ref();
    for (name, partitions, policy) in
        [("orders", 4, "delete"), ("payments", 3, "delete"), ("clicks", 6, "delete"), ("customers", 2, "compact")]
    {
        let mut config = BTreeMap::from([("cleanup.policy".to_string(), policy.to_string())]);
        if policy == "delete" {
            config.insert("retention.ms".to_string(), "-1".to_string());
        }
        connector.create_topic(NewTopic { name: name.to_string(), partitions, replicas: 1, config }).await?;
    }
    let people = People::new(size);
    let clock = Clock { end_ms, step_ms: (SPAN_MS / i64::try_from(size.max(1)).unwrap_or(i64::MAX)).max(1), size };
    orders_and_payments(connector, &people, &clock, (old, new)).await?;
    clicks(connector, &people, &clock).await?;
    customers(connector, &people, end_ms).await
}

/// When the n-th of `size` things happens.
#[derive(Debug)]
struct Clock {
    end_ms: i64,
    step_ms: i64,
    size: u64,
}

impl Clock {
    fn at(&self, n: u64) -> i64 {
        let left = i64::try_from(self.size.saturating_sub(n + 1)).unwrap_or(i64::MAX);
        self.end_ms.saturating_sub(left.saturating_mul(self.step_ms))
    }
}

#[derive(Debug)]
struct People {
    count: u64,
}

#[derive(Debug)]
struct Person {
    id: String,
    name: String,
    tier: Option<&'static str>,
    country: &'static str,
}

impl People {
    fn new(size: u64) -> Self {
        People { count: (size / 40).clamp(12, 100_000) }
    }

    fn person(&self, n: u64) -> Person {
        let mut random = Random::new(0x00c0_ffee ^ n.wrapping_mul(0x9e37_79b9));
        let tier = match random.below(10) {
            0 => Some("gold"),
            1..4 => Some("silver"),
            4..8 => Some("basic"),
            _ => None,
        };
        let name = format!("{} {}", random.one_of(FIRST), random.one_of(LAST));
        Person { id: format!("c-{:05}", n + 1), name, tier, country: random.one_of(COUNTRIES) }
    }

    /// Someone, a few people much more often than the others.
    fn someone(&self, random: &mut Random) -> Person {
        let first = random.below(self.count);
        let second = random.below(self.count);
        self.person(first.min(second))
    }
}

/// A writer that is handed records in chunks.
struct Feed {
    writer: Box<dyn Writer>,
    waiting: Vec<NewRecord>,
}

impl Feed {
    async fn open(connector: &dyn Connector, topic: &str) -> Result<Self> {
        Ok(Feed { writer: connector.writer(topic).await?, waiting: Vec::with_capacity(CHUNK) })
    }

    async fn push(&mut self, key: &str, value: Option<Vec<u8>>, at_ms: i64) -> Result<()> {
        self.waiting.push(NewRecord {
            key: Some(Bytes::copy_from_slice(key.as_bytes())),
            value: value.map(Bytes::from),
            timestamp_ms: Some(at_ms),
            ..NewRecord::default()
        });
        if self.waiting.len() >= CHUNK {
            self.writer.append(std::mem::replace(&mut self.waiting, Vec::with_capacity(CHUNK))).await?;
        }
        Ok(())
    }

    async fn close(mut self) -> Result<()> {
        self.writer.append(self.waiting).await?;
        self.writer.commit().await?;
        Ok(())
    }
}

/// How far apart the n-th kind of trouble is: about one in `rate`, but four at least.
fn every(size: u64, rate: u64) -> u64 {
    rate.min(size / 4).max(2)
}

async fn orders_and_payments(
    connector: &dyn Connector,
    people: &People,
    clock: &Clock,
    (old, new): (SchemaId, SchemaId),
) -> Result<()> {
    let mut orders = Feed::open(connector, "orders").await?;
    let mut payments = Feed::open(connector, "payments").await?;
    let mut random = Random::new(1);
    let (poison, twice) = (every(clock.size, 2000), every(clock.size, 500));
    for n in 0..clock.size {
        let order = order(n, people, clock, &mut random);
        let key = order.id.to_string();
        let version = if order.channel.is_none() { old } else { new };
        let value = order.encode(version);
        let arrived = order.created_at_ms;
        if n % poison == poison / 2 {
            let bad = poisoned(n / poison, &value);
            orders.push(&format!("bad-{}", n / poison + 1), Some(bad), clock.at(n)).await?;
            let text = if (n / poison) % 2 == 0 {
                format!("{{\"payment_id\":\"p-{n}\",\"order_id\":{n},\"amou").into_bytes()
            } else {
                b"payment gateway timeout".to_vec()
            };
            payments.push(&key, Some(text), clock.at(n)).await?;
        }
        if n % twice == twice / 3 {
            orders.push(&key, Some(value.clone()), arrived).await?;
        }
        orders.push(&key, Some(value), arrived).await?;
        if let Some((value, at)) = payment(&order, clock.end_ms, &mut random) {
            payments.push(&key, Some(value), at).await?;
        }
    }
    orders.close().await?;
    payments.close().await
}

fn order(n: u64, people: &People, clock: &Clock, random: &mut Random) -> Order {
    let person = people.someone(random);
    let items = (0..=random.below(3))
        .map(|_| {
            let (sku, price) = random.one_of(GOODS);
            let quantity = i64::try_from(1 + random.below(3)).unwrap_or(1);
            Item { sku: sku.to_string(), quantity, price_cents: i64::try_from(price + random.below(100)).unwrap_or(0) }
        })
        .collect();
    // One in fifty was made while its shop was offline and reached the topic up to two hours late.
    let late = if random.chance(2) { i64::try_from(10 + random.below(110)).unwrap_or(0) * MINUTE_MS } else { 0 };
    let status = match random.below(20) {
        0 => "cancelled",
        1..5 => "new",
        5..9 => "shipped",
        _ => "delivered",
    };
    let channel = random.one_of(&["web", "web", "app", "store"]);
    Order {
        id: i64::try_from(n + 1).unwrap_or(i64::MAX),
        customer_id: person.id,
        customer_name: person.name,
        tier: person.tier,
        items,
        region: i64::from(random.one_of(&[0_u8, 0, 0, 1, 1, 2, 3]).min(3)),
        status,
        created_at_ms: clock.at(n) - late,
        channel: (n >= clock.size / 2).then_some(channel),
    }
}

/// Bytes that are no order, of three sorts.
fn poisoned(sort: u64, good: &[u8]) -> Vec<u8> {
    match sort % 3 {
        0 => good.get(..good.len() / 2).unwrap_or(good).to_vec(),
        1 => vec![0xff, 0xfe, 0x13, 0x37, 0x00, 0x42],
        _ => b"{\"id\": 7, \"amount\": \"12.50\"}".to_vec(),
    }
}

/// The payment of an order and when it came; most within minutes, some after hours, some never.
fn payment(order: &Order, end_ms: i64, random: &mut Random) -> Option<(Vec<u8>, i64)> {
    let seconds = match random.below(100) {
        0..3 => return None,
        3..8 => 3600 + random.below(5 * 3600),
        _ => 5 + random.below(600),
    };
    let at = order.created_at_ms + i64::try_from(seconds).unwrap_or(0) * 1000;
    if order.status == "cancelled" || at > end_ms {
        return None;
    }
    let status = if random.chance(3) { "failed" } else { "settled" };
    let cents = order.amount_cents();
    let value = format!(
        "{{\"payment_id\":\"p-{id:07}\",\"order_id\":{id},\"amount\":{}.{:02},\"currency\":\"EUR\",\"method\":\"{}\",\"status\":\"{status}\"}}",
        cents / 100,
        cents % 100,
        random.one_of(&["card", "card", "transfer", "wallet"]),
        id = order.id,
    );
    Some((value.into_bytes(), at))
}

async fn clicks(connector: &dyn Connector, people: &People, clock: &Clock) -> Result<()> {
    let mut clicks = Feed::open(connector, "clicks").await?;
    let mut random = Random::new(2);
    for n in 0..clock.size {
        let session = format!("s-{:07}", n + 1);
        let person = people.someone(&mut random);
        let known = random.chance(60);
        let agent = random.one_of(AGENTS);
        let mut at = clock.at(n) - 10 * MINUTE_MS;
        for (depth, event) in (0_u64..).zip(STEPS) {
            at += i64::try_from(1000 + random.below(90_000)).unwrap_or(0);
            let (sku, _) = random.one_of(GOODS);
            let path = match *event {
                "product" => format!("/goods/{sku}"),
                "view" => "/".to_string(),
                other => format!("/{other}"),
            };
            let value = json!({
                "session": session,
                "event": event,
                "user": { "id": known.then_some(&person.id), "country": person.country, "agent": agent },
                "page": { "path": path, "load_ms": 20 + random.below(200) + 40 * depth },
            });
            clicks.push(&session, Some(value.to_string().into_bytes()), at).await?;
            if random.chance([25, 45, 40, 20].get(usize::try_from(depth).unwrap_or(9)).copied().unwrap_or(100)) {
                break;
            }
        }
    }
    clicks.close().await
}

async fn customers(connector: &dyn Connector, people: &People, end_ms: i64) -> Result<()> {
    let mut customers = Feed::open(connector, "customers").await?;
    let mut random = Random::new(3);
    let step = (SPAN_MS / 3 / i64::try_from(people.count).unwrap_or(1)).max(1);
    let rounds: [(u64, i64); 3] = [(100, 3), (30, 2), (5, 1)];
    for (percent, back) in rounds {
        for n in 0..people.count {
            if !random.chance(percent) {
                continue;
            }
            let person = people.person(n);
            let at = end_ms - SPAN_MS / 3 * back + i64::try_from(n).unwrap_or(0) * step;
            // First everybody comes, then some change, then some leave.
            let value = match back {
                1 => None,
                _ => Some(json!({
                    "id": person.id,
                    "name": person.name,
                    "tier": if back == 2 && random.chance(40) { Some("gold") } else { person.tier },
                    "country": person.country,
                    "credit_limit": 500 * (1 + random.below(20)),
                })),
            };
            customers.push(&person.id, value.map(|v| v.to_string().into_bytes()), at).await?;
        }
    }
    customers.close().await
}
