//! Brokers lost while a scan is under way, on a cluster of three: what is told, and what is not noticed at all.

use std::path::PathBuf;
use std::process::Command;
use std::time::{Duration, Instant};

use futures::executor::block_on;
use rdkafka::ClientConfig;
use rdkafka::admin::{AdminClient, AdminOptions, NewTopic, TopicReplication};
use rdkafka::client::DefaultClientContext;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::producer::{BaseProducer, BaseRecord, Producer};
use weir::connect::kafka::Kafka;
use weir::connect::{Connector, Event, Isolation, Range, RecordStream, Want};
use weir::error::{Error, Kind};

use super::{WAIT, client, next, request};

const PARTITIONS: i32 = 3;
const RECORDS: i64 = 6_000;
const POSITIONS: Want = Want { positions: true, keys: false, values: true, headers: false, tombstones: false };

/// Three brokers of their own, numbered from 1, stopped when dropped.
struct Cluster {
    folder: PathBuf,
    bootstrap: String,
}

impl Cluster {
    fn start(name: &str) -> Cluster {
        let files = std::env::var("WEIR_TEST_KAFKA_FILES").expect("no folder for a cluster: use tests/kafka/run");
        let mut cluster = Cluster { folder: PathBuf::from(files).join(name), bootstrap: String::new() };
        cluster.script("cluster", "3");
        cluster.bootstrap = std::fs::read_to_string(cluster.folder.join("bootstrap")).unwrap().trim().to_string();
        cluster
    }

    /// `tests/kafka/broker VERB FOLDER ARGUMENT`.
    fn script(&self, verb: &str, argument: &str) {
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/kafka/broker");
        let out = Command::new(script).arg(verb).arg(&self.folder).arg(argument).output().unwrap();
        assert!(out.status.success(), "{verb} {argument}: {}", String::from_utf8_lossy(&out.stderr));
    }

    fn node(&self, verb: &str, broker: i32) {
        self.script(verb, &broker.to_string());
    }

    fn config(&self) -> ClientConfig {
        let mut config = ClientConfig::new();
        config.set("bootstrap.servers", &self.bootstrap);
        config
    }

    /// A topic whose partition `p` is on the brokers `replicas[p]`, with [`RECORDS`] records in each.
    fn fill(&self, topic: &str, replicas: [&[i32]; PARTITIONS as usize]) {
        let admin: AdminClient<DefaultClientContext> = self.config().create().unwrap();
        let new = NewTopic::new(topic, PARTITIONS, TopicReplication::Variable(&replicas));
        let made = block_on(admin.create_topics([&new], &AdminOptions::new().operation_timeout(Some(WAIT)))).unwrap();
        made[0].as_ref().unwrap();
        let producer: BaseProducer =
            self.config().set("batch.num.messages", "50").set("enable.idempotence", "true").create().unwrap();
        let value = "v".repeat(200);
        for n in 0..i64::from(PARTITIONS) * RECORDS {
            let partition = i32::try_from(n % i64::from(PARTITIONS)).unwrap();
            let mut record = BaseRecord::<(), str>::to(topic).partition(partition).payload(&value);
            while let Err((_, back)) = producer.send(record) {
                record = back;
                producer.poll(Duration::from_millis(20));
            }
        }
        producer.flush(WAIT).unwrap();
    }

    /// The broker that leads a partition.
    fn leader(&self, topic: &str, partition: usize) -> i32 {
        let consumer: BaseConsumer = self.config().create().unwrap();
        let metadata = consumer.fetch_metadata(Some(topic), WAIT).unwrap();
        metadata.topics()[0].partitions()[partition].leader()
    }

    /// A connector whose buffers hold little of what [`Cluster::fill`] wrote.
    fn reader(&self) -> Kafka {
        let pairs = [
            ("bootstrap.servers", self.bootstrap.as_str()),
            ("queued.min.messages", "100"),
            ("queued.max.messages.kbytes", "64"),
            ("fetch.message.max.bytes", "16384"),
            ("reconnect.backoff.max.ms", "200"),
            ("socket.timeout.ms", "3000"),
        ];
        client(&pairs)
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        // Not all of it may have come up: `stop` is told no node.
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/kafka/broker");
        let stopped = Command::new(script).arg("stop").arg(&self.folder).status();
        assert!(
            stopped.is_ok_and(|status| status.success()) || std::thread::panicking(),
            "the cluster was not stopped"
        );
    }
}

/// A scan, and the next offset of each partition after what it gave so far: one missing, one twice, and it fails.
struct Scanned {
    stream: RecordStream,
    next: Vec<i64>,
    ends: Vec<i32>,
}

impl Scanned {
    async fn start(kafka: &Kafka, topic: &str) -> Scanned {
        let slices = kafka.ranges(topic, Isolation::ReadUncommitted).await.unwrap();
        let whole = |partition| Range { partition, start: 0, end: RECORDS };
        assert_eq!(slices, (0..PARTITIONS).map(whole).collect::<Vec<_>>());
        let stream = kafka.read(request(topic, slices, POSITIONS)).unwrap();
        Scanned { stream, next: vec![0; PARTITIONS as usize], ends: Vec::new() }
    }

    /// One more event; none at the end.
    async fn step(&mut self) -> Option<Result<(), Error>> {
        match next(&self.stream).await? {
            Err(error) => return Some(Err(error)),
            Ok(Event::End { partition }) => self.ends.push(partition),
            Ok(Event::Records(records)) => {
                let next = &mut self.next[usize::try_from(records.partition).unwrap()];
                for offset in records.offsets.as_ref().unwrap().iter() {
                    assert_eq!(offset, next, "partition {}", records.partition);
                    *next += 1;
                }
            }
        }
        Some(Ok(()))
    }

    /// Reads until every partition has given something, which leaves most of each on the brokers.
    async fn reach_the_middle(&mut self) {
        while self.next.contains(&0) {
            self.step().await.expect("a scan that goes on").unwrap();
        }
        assert!(self.next.iter().all(|next| *next < RECORDS / 2), "the scan is too far ahead: {:?}", self.next);
    }

    async fn rest(&mut self) -> Result<(), Error> {
        while let Some(step) = self.step().await {
            step?;
        }
        Ok(())
    }

    fn assert_whole(&mut self) {
        self.ends.sort_unstable();
        assert_eq!(self.ends, [0, 1, 2]);
        assert_eq!(self.next, [RECORDS; PARTITIONS as usize]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn brokers_lost_in_mid_scan() {
    let cluster = Cluster::start("lost");
    cluster.fill("kept", [&[1, 2, 3], &[2, 3, 1], &[3, 1, 2]]);
    cluster.fill("lone", [&[1], &[2], &[3]]);
    a_broker_that_is_killed(&cluster).await;
    a_broker_that_hangs(&cluster).await;
}

/// Three scans lose one broker: with other replicas it costs nothing; without, it is an error that says how far the scan got,
/// or nothing when the broker is back in time.
async fn a_broker_that_is_killed(cluster: &Cluster) {
    let killed = 2;
    assert_eq!(cluster.leader("kept", 1), killed);
    let mut kept = Scanned::start(&cluster.reader(), "kept").await;
    let mut patient = Scanned::start(&cluster.reader(), "lone").await;
    let mut impatient = Scanned::start(&cluster.reader().with_patience(Duration::from_secs(2)), "lone").await;
    for scan in [&mut kept, &mut patient, &mut impatient] {
        scan.reach_the_middle().await;
    }
    cluster.node("kill", killed);
    let lost = Instant::now();
    let given_up = async {
        let error = impatient.rest().await.expect_err("a short answer must not look whole");
        assert!(lost.elapsed() < Duration::from_secs(25), "it tried for {:?}", lost.elapsed());
        cluster.node("revive", killed);
        error
    };
    let (all_kept, error, all_back) = tokio::join!(kept.rest(), given_up, patient.rest());
    all_kept.unwrap();
    all_back.unwrap();
    kept.assert_whole();
    patient.assert_whole();
    assert_ne!(cluster.leader("kept", 1), killed, "another replica took over");
    assert_eq!(error.kind(), Kind::Connect);
    assert!(error.message().starts_with("reading lone broke off: "), "{}", error.message());
    assert!(!impatient.ends.contains(&1) && impatient.next[1] < RECORDS);
    let far = format!("partition 1: offsets 0 to {} of {RECORDS} read", impatient.next[1]);
    assert!(error.detail().unwrap().lines().any(|line| line == far), "{far}: {:?}", error.detail());
}

/// A leader that keeps its connections and answers nothing is left for another replica.
async fn a_broker_that_hangs(cluster: &Cluster) {
    let leader = cluster.leader("kept", 0);
    let mut scan = Scanned::start(&cluster.reader(), "kept").await;
    scan.reach_the_middle().await;
    cluster.node("pause", leader);
    scan.rest().await.unwrap();
    scan.assert_whole();
}
