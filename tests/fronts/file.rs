//! A file of SQL as statements with their tags. Knows the text, not what runs it.

use bytes::Bytes;
use weir::connect::{Connector, NewRecord};
use weir::sql::params::{ParamType, Params};
use weir::sql::split::split;

/// One statement of a file and the lines under it.
#[derive(Debug, Default)]
pub struct Block {
    /// The statement alone.
    pub statement: String,
    /// The statement as it stands in the file, from the start of its first line up to the end of its last.
    pub text: String,
    /// Where the statement starts in `text`.
    pub at: usize,
    /// The lines of tags, as they are.
    pub tags: Vec<String>,
    /// The tag `receipt`.
    pub receipt: bool,
    /// The tags `param`.
    pub params: Vec<Param>,
    /// The tags `produce`.
    pub records: Vec<String>,
    /// Comments and blank lines between this statement's answer and the next statement.
    pub rest: String,
}

/// `param name TYPE = value`.
#[derive(Debug)]
pub struct Param {
    pub name: String,
    pub r#type: String,
    pub value: String,
}

impl Block {
    fn new(tags: Vec<String>) -> Block {
        let mut block = Block::default();
        for tag in &tags {
            match tag.split_once(' ') {
                Some(("param", declared)) => {
                    let (head, value) = declared.split_once(" = ").unwrap();
                    let (name, r#type) = head.split_once(' ').unwrap();
                    block.params.push(Param { name: name.into(), r#type: r#type.into(), value: value.into() });
                }
                Some(("produce", record)) => block.records.push(record.to_string()),
                None if tag == "receipt" => block.receipt = true,
                _ => panic!("there is no tag {tag}"),
            }
        }
        Block { tags, ..block }
    }

    /// The statement's parameters.
    pub fn bound(&self) -> Params {
        let value = |p: &Param| ParamType::by_name(&p.r#type).unwrap().parse(&p.value).unwrap();
        self.params.iter().map(|p| (p.name.clone(), value(p))).collect()
    }
}

/// The lines before the first statement, and the statements.
pub fn blocks(text: &str) -> (String, Vec<Block>) {
    let pieces = split(text).unwrap();
    let line_start = |at: usize| text[..at].rfind('\n').map_or(0, |n| n + 1);
    let line_end = |at: usize| text[at..].find('\n').map_or(text.len(), |n| at + n + 1);
    let mut blocks = Vec::new();
    for (i, piece) in pieces.iter().enumerate() {
        let after = line_end(piece.span.end);
        let until = pieces.get(i + 1).map_or(text.len(), |next| line_start(next.span.start));
        assert!(until >= after, "two statements on one line: {}", &text[piece.span.start..piece.span.end]);
        let lines: Vec<&str> = text[after..until].split_inclusive('\n').collect();
        let tags = lines.iter().filter_map(|l| l.strip_prefix("--@ ")).map(|l| l.trim_end().to_string()).collect();
        blocks.push(Block {
            statement: text[piece.span.start..piece.span.end].to_string(),
            text: text[line_start(piece.span.start)..after].to_string(),
            at: piece.span.start - line_start(piece.span.start),
            rest: lines.iter().filter(|l| !l.starts_with("--@") && !l.starts_with("-->")).copied().collect(),
            ..Block::new(tags)
        });
    }
    let first = pieces.first().map_or(text.len(), |p| line_start(p.span.start));
    (text[..first].to_string(), blocks)
}

/// `topic partition key value`.
pub async fn produce(connector: &dyn Connector, record: &str) -> weir::error::Result<()> {
    let [topic, partition, key, value] = record.splitn(4, ' ').collect::<Vec<_>>().try_into().unwrap();
    let mut writer = connector.writer(topic).await?;
    let record = NewRecord {
        partition: Some(partition.parse().unwrap()),
        key: bytes(key),
        value: bytes(value),
        headers: Vec::new(),
        timestamp_ms: Some(1_700_000_000_000),
    };
    writer.append(vec![record]).await?;
    writer.commit().await.map(|_| ())
}

fn bytes(text: &str) -> Option<Bytes> {
    if text == "NULL" {
        return None;
    }
    let mut out = Vec::new();
    let mut rest = text;
    while let Some((before, escape)) = rest.split_once("\\x") {
        out.extend_from_slice(before.as_bytes());
        let (hex, after) = escape.split_at(2);
        out.push(u8::from_str_radix(hex, 16).unwrap());
        rest = after;
    }
    out.extend_from_slice(rest.as_bytes());
    Some(out.into())
}
