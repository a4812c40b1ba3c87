//! The connector against what needs no broker process: closed ports, strangers on a port, and librdkafka's mock
//! cluster going down in mid-scan.

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::net::TcpListener;
use std::time::{Duration, Instant};

use rdkafka::ClientConfig;
use rdkafka::mocking::MockCluster;
use rdkafka::producer::{BaseProducer, BaseRecord, DefaultProducerContext, Producer};

use super::Kafka;
use crate::connect::{Connector, Event, Isolation, Range, ReadRequest, RecordStream, Want};
use crate::error::{Error, Kind};

fn kafka(pairs: &[(&str, &str)]) -> Kafka {
    Kafka::new(pairs.iter().map(|(k, v)| (k.to_string(), v.to_string())).collect::<BTreeMap<_, _>>()).unwrap()
}

/// The error of a first question, which must come well before the limit for a cluster that is merely silent.
async fn refusal(pairs: &[(&str, &str)]) -> Error {
    let started = Instant::now();
    let error = kafka(pairs).topics().await.expect_err("nobody is there");
    assert!(started.elapsed() < Duration::from_secs(8), "{:?}: {error}", started.elapsed());
    assert_eq!(error.kind(), Kind::Connect);
    error
}

#[tokio::test]
async fn a_closed_port_is_told_as_such_and_soon() {
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let at = format!("127.0.0.1:{port}");
    let error = refusal(&[("bootstrap.servers", &at)]).await;
    assert_eq!(error.message(), format!("nothing listens at {at} (TCP: connection refused)"));
}

#[tokio::test]
async fn a_name_that_does_not_resolve_is_told_as_such() {
    let error = refusal(&[("bootstrap.servers", "no-such-host.invalid:9092")]).await;
    assert_eq!(error.message(), "the host name \"no-such-host.invalid\" cannot be resolved (DNS)");
}

/// Something on a port that answers every greeting with `answer` and hangs up.
fn stranger(answer: &'static [u8]) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let at = listener.local_addr().unwrap().to_string();
    std::thread::spawn(move || {
        for socket in listener.incoming() {
            let Ok(mut socket) = socket else { return };
            let mut greeting = [0; 512];
            let _told = socket.read(&mut greeting).and_then(|_| socket.write_all(answer));
        }
    });
    at
}

#[tokio::test]
async fn strangers_on_the_port_are_recognised() {
    let at = stranger(b"HTTP/1.1 400 Bad Request\r\n\r\n");
    let error = refusal(&[("bootstrap.servers", &at)]).await;
    assert_eq!(error.message(), format!("{at} is not a Kafka broker"));

    // An alert as a TLS server sends it, too short to be read as a response.
    let at = stranger(b"\x15\x03\x03\x00\x02\x02\x50");
    let error = refusal(&[("bootstrap.servers", &at)]).await;
    assert_eq!(error.message(), format!("{at} closed the connection during the greeting: it may expect TLS (TLS)"));

    let at = stranger(b"");
    let error = refusal(&[("bootstrap.servers", &at), ("security.protocol", "ssl")]).await;
    assert_eq!(error.message(), format!("{at} does not speak TLS on this port (TLS)"));
}

const RECORDS: i64 = 10_000;

/// A cluster of one with a topic of one partition that holds more than a reader with small buffers takes at once.
fn cluster() -> (MockCluster<'static, DefaultProducerContext>, String) {
    let cluster = MockCluster::new(1).unwrap();
    cluster.create_topic("t", 1, 1).unwrap();
    let at = cluster.bootstrap_servers();
    let mut config = ClientConfig::new();
    let producer: BaseProducer = config.set("bootstrap.servers", &at).set("batch.num.messages", "50").create().unwrap();
    let value = "v".repeat(200);
    for n in 0..RECORDS {
        let key = n.to_string();
        let record = BaseRecord::to("t").partition(0).key(&key).payload(&value);
        producer.send(record).map_err(|(e, _)| e).unwrap();
    }
    producer.flush(Duration::from_secs(20)).unwrap();
    (cluster, at)
}

const READERS: [&str; 2] = ["direct", "librdkafka"];

fn small_buffers(at: &str, reader: &str) -> Kafka {
    kafka(&[
        (super::READER, reader),
        ("bootstrap.servers", at),
        ("queued.min.messages", "100"),
        ("queued.max.messages.kbytes", "64"),
        ("fetch.message.max.bytes", "16384"),
        ("reconnect.backoff.max.ms", "200"),
    ])
}

async fn start(kafka: &Kafka) -> RecordStream {
    let slices = kafka.ranges("t", Isolation::ReadUncommitted).await.unwrap();
    assert_eq!(slices, [Range { partition: 0, start: 0, end: RECORDS }]);
    let want = Want { values: true, ..Want::default() };
    let isolation = Isolation::ReadUncommitted;
    kafka.read(ReadRequest { topic: "t".into(), slices, want, isolation, in_order: false, threads: 1 }).unwrap()
}

async fn first(stream: &RecordStream) -> usize {
    match stream.next().await {
        Some(Ok(Event::Records(records))) => records.len,
        other => panic!("not records: {other:?}"),
    }
}

/// Records until the stream ends, and the error it ends with, if any.
async fn rest(stream: RecordStream) -> (usize, usize, Option<Error>) {
    let (mut count, mut ends) = (0, 0);
    while let Some(event) = stream.next().await {
        match event {
            Ok(Event::Records(records)) => count += records.len,
            Ok(Event::End { .. }) => ends += 1,
            Err(error) => return (count, ends, Some(error)),
        }
    }
    (count, ends, None)
}

#[tokio::test]
async fn a_broker_lost_in_mid_scan_says_how_far_it_got() {
    for reader in READERS {
        let (cluster, at) = cluster();
        let kafka = small_buffers(&at, reader).with_patience(Duration::from_secs(1));
        let stream = start(&kafka).await;
        let before = first(&stream).await;
        cluster.broker_down(1).unwrap();
        let (count, ends, error) = rest(stream).await;
        let error = error.expect("a short answer must not look whole");
        assert_eq!((error.kind(), ends), (Kind::Connect, 0), "{reader}");
        assert!(error.message().starts_with("reading t broke off: "), "{reader}: {}", error.message());
        let read = before + count;
        assert!(read < 10_000, "{reader}");
        assert_eq!(
            error.detail(),
            Some(format!("partition 0: offsets 0 to {read} of 10000 read").as_str()),
            "{reader}"
        );
    }
}

#[tokio::test]
async fn a_broker_that_returns_in_time_loses_nothing() {
    for reader in READERS {
        let (cluster, at) = cluster();
        let kafka = small_buffers(&at, reader);
        let stream = start(&kafka).await;
        let before = first(&stream).await;
        cluster.broker_down(1).unwrap();
        cluster.broker_up(1).unwrap();
        let (count, ends, error) = rest(stream).await;
        assert!(error.is_none(), "{reader}: {error:?}");
        assert_eq!((before + count, ends), (10_000, 1), "{reader}");
    }
}

#[test]
fn what_only_librdkafka_can_do_is_read_through_it_and_said() {
    let at = ("bootstrap.servers", "h:1");
    assert_eq!(kafka(&[at]).reader(), "kafka (direct)");
    assert_eq!(
        kafka(&[at, (super::READER, "librdkafka")]).reader(),
        "kafka (librdkafka, because of weir.reader=librdkafka)"
    );
    let ciphers = [at, ("security.protocol", "ssl"), ("ssl.cipher.suites", "ECDHE-RSA-AES128-GCM-SHA256")];
    assert_eq!(kafka(&ciphers).reader(), "kafka (librdkafka, because of ssl.cipher.suites)");
}
