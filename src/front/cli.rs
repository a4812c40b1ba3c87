//! The command line: flags and subcommands as plain values. Knows clap; opens and runs nothing.

use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

use clap::builder::PossibleValuesParser;
use clap::{ArgMatches, Args, CommandFactory, FromArgMatches, Parser, Subcommand, ValueEnum};

use crate::config::settings::{SETTINGS, Type};
use crate::sql::params::parse_interval;

const EXAMPLES: &str = "\
Examples:
  weir
      The shell, on the local log or on the brokers that your environment names
  weir -b kafka:9092 -c 'SELECT status, count(*) FROM orders GROUP BY status'
      One answer from a cluster
  weir run top_customers since='7 days' n=5 --ndjson > top.ndjson
      A saved query with its parameters

Exit codes:
  0 done, 1 a statement failed, 2 wrong flags, parameters or configuration,
  3 cluster or registry not reachable, 124 out of time, 130 stopped by Ctrl-C";

/// SQL over Kafka topics: a shell, scripts, saved queries and a small server.
#[derive(Debug, Parser)]
#[command(
    name = "weir",
    version,
    max_term_width = 100,
    disable_help_subcommand = true,
    after_long_help = EXAMPLES
)]
struct Cli {
    #[command(flatten)]
    script: Script,

    #[command(flatten)]
    shared: Shared,

    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Debug, Args)]
struct Script {
    /// Run these statements and leave; may be given several times, in order with -f
    #[arg(short = 'c', long = "command", value_name = "SQL", help_heading = "Input")]
    commands: Vec<String>,

    /// Run the statements in a file and leave ("-" is standard input); in order with -c
    #[arg(short = 'f', long = "file", value_name = "FILE", help_heading = "Input")]
    files: Vec<PathBuf>,

    /// Give a parameter :NAME a value, as n=5 or since:INTERVAL='7 days'
    ///
    /// The type is the one that a header declares (-- @param n INT), else the one after the name, else what the value
    /// plainly is: a whole number a BIGINT, a decimal a DOUBLE, true and false a BOOLEAN, null NULL, all else text.
    #[arg(long = "param", value_name = "NAME=VALUE", help_heading = "Input")]
    params: Vec<String>,

    /// After an error: stop, or go on with the next statement (the exit code stays that of the first error)
    #[arg(long, value_enum, default_value_t = OnError::Stop, value_name = "WHAT", help_heading = "Input")]
    on_error: OnError,
}

/// Flags that the shell, scripts and every subcommand take, before or after the subcommand's name.
#[derive(Debug, Clone, Default, Args)]
pub struct Shared {
    /// Kafka brokers; without any, topics are those of the local log
    #[arg(short = 'b', long, value_name = "HOST:PORT", help_heading = "Connection")]
    pub bootstrap: Option<String>,

    /// Schema registry
    #[arg(long, value_name = "URL", help_heading = "Connection")]
    pub registry: Option<String>,

    /// Any librdkafka property, as with kcat; schema.registry.* too
    #[arg(short = 'X', value_name = "NAME=VALUE", help_heading = "Connection")]
    pub properties: Vec<String>,

    /// A Java client.properties or a librdkafka or kcat file; KCAT_CONFIG stands for the file that variable names
    #[arg(long = "properties", value_name = "FILE", help_heading = "Connection")]
    pub properties_file: Option<PathBuf>,

    /// Folder of the local log [default: $WEIR_DATA, else weir in the XDG data folder]
    #[arg(long, value_name = "DIR", help_heading = "Connection")]
    pub data: Option<PathBuf>,

    /// Refuse statements that write to topics
    #[arg(long, help_heading = "Connection")]
    pub read_only: bool,

    /// How results are shown
    #[arg(long, value_name = "FORMAT", value_parser = formats(), help_heading = "Output")]
    pub format: Option<String>,

    /// Same as --format csv
    #[arg(long, conflicts_with_all = ["format", "json", "ndjson"], help_heading = "Output")]
    pub csv: bool,

    /// Same as --format json
    #[arg(long, conflicts_with_all = ["format", "ndjson"], help_heading = "Output")]
    pub json: bool,

    /// Same as --format ndjson
    #[arg(long, conflicts_with = "format", help_heading = "Output")]
    pub ndjson: bool,

    /// Write rows to a file
    #[arg(short = 'o', long, value_name = "FILE", help_heading = "Output")]
    pub output: Option<PathBuf>,

    /// No receipts and no progress on standard error; errors and incomplete results are still said
    #[arg(short, long, help_heading = "Output")]
    pub quiet: bool,

    /// Colour: when on a terminal, or as told [default: auto]
    #[arg(long, value_enum, value_name = "WHEN", help_heading = "Output")]
    pub color: Option<Color>,

    /// Longest time a statement may take, as 30s or '5 minutes'
    #[arg(long, value_name = "DURATION", value_parser = duration, help_heading = "Limits")]
    pub timeout: Option<Duration>,

    /// Most rows of a result; what is cut is said
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..), help_heading = "Limits")]
    pub limit: Option<u32>,

    /// Memory that one statement may use, as 512MiB; more spills to disk [default: 256MiB]
    #[arg(long, value_name = "SIZE", value_parser = size, help_heading = "Limits")]
    pub memory: Option<usize>,

    /// Threads for execution and reading [default: the machine's cores]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024), help_heading = "Limits")]
    pub threads: Option<u16>,

    /// Change a session setting first, as SET does; SHOW SETTINGS lists them
    #[arg(long = "set", value_name = "NAME=VALUE", help_heading = "Input")]
    pub settings: Vec<String>,
}

/// When to use colour.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Color {
    /// On a terminal, unless NO_COLOR is set
    Auto,
    /// Always
    Always,
    /// Never
    Never,
}

/// What a script does after an error.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum OnError {
    /// Stop
    Stop,
    /// Go on with the next statement
    Continue,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run a saved query
    Run(RunArgs),
    /// Parse and plan SQL files without running them
    Check(CheckArgs),
    /// Answer queries over HTTP
    Serve(ServeArgs),
    /// Fill a local log with sample topics, run the saved queries on them and stay in the shell
    Demo(DemoArgs),
}

#[derive(Debug, Args)]
struct RunArgs {
    #[command(flatten)]
    shared: Shared,
    #[command(flatten)]
    run: Run,
}

#[derive(Debug, Args)]
struct CheckArgs {
    #[command(flatten)]
    shared: Shared,
    /// SQL files, or folders of them
    #[arg(required = true, value_name = "PATH")]
    paths: Vec<PathBuf>,
}

#[derive(Debug, Args)]
struct ServeArgs {
    #[command(flatten)]
    shared: Shared,
    #[command(flatten)]
    serve: Serve,
}

#[derive(Debug, Args)]
struct DemoArgs {
    #[command(flatten)]
    shared: Shared,
    #[command(flatten)]
    demo: Demo,
}

/// What `weir demo` was told.
#[derive(Debug, Clone, Args)]
pub struct Demo {
    /// How many orders to make; the other topics grow with them
    #[arg(long, value_name = "N", default_value_t = 20_000, value_parser = clap::value_parser!(u64).range(12..=100_000_000))]
    pub size: u64,
    /// Folder of the sample topics [default: demo in the folder of the local log]
    #[arg(long, value_name = "DIR", conflicts_with_all = ["data", "bootstrap"])]
    pub dir: Option<PathBuf>,
}

/// What `weir run` was told.
#[derive(Debug, Clone, Args)]
pub struct Run {
    /// Name of a query in the folder "queries" here or above, or a path that ends in .sql
    #[arg(value_name = "NAME", required_unless_present = "list")]
    pub name: Option<String>,
    /// Values of the query's parameters
    #[arg(value_name = "PARAM=VALUE")]
    pub arguments: Vec<String>,
    /// List the saved queries with their parameters
    #[arg(long, conflicts_with = "name")]
    pub list: bool,
    /// Folder of saved queries [default: "queries" here or above]
    #[arg(long, value_name = "DIR")]
    pub queries: Option<PathBuf>,
}

/// What `weir serve` was told.
#[derive(Debug, Clone, Args)]
pub struct Serve {
    /// Address to listen on; beyond this machine only with a token
    #[arg(long, value_name = "HOST:PORT", default_value = "127.0.0.1:8088")]
    pub listen: String,
    /// Bearer token that clients must send
    #[arg(long, value_name = "TOKEN", env = "WEIR_TOKEN", hide_env_values = true)]
    pub token: Option<String>,
    /// Queries that may run at once; more are turned away with 429
    #[arg(long, value_name = "N", default_value_t = 8, value_parser = clap::value_parser!(u16).range(1..))]
    pub max_queries: u16,
    /// Largest request body
    #[arg(long, value_name = "SIZE", default_value = "1MiB", value_parser = size)]
    pub max_body: usize,
    /// How long running queries may go on after a signal to stop
    #[arg(long, value_name = "DURATION", default_value = "10s", value_parser = duration)]
    pub grace: Duration,
    /// Let statements read and write files of this machine
    #[arg(long)]
    pub allow_files: bool,
}

/// One `-c` or `-f`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Item {
    /// Statements from the command line.
    Text(String),
    /// Statements from a file; `-` is standard input.
    File(PathBuf),
}

/// What to do.
#[derive(Debug, Clone)]
pub enum Action {
    /// Neither `-c` nor `-f`: the shell, or standard input when that is no terminal.
    Interactive {
        /// `--param`s.
        params: Vec<String>,
        /// What to do after an error.
        on_error: OnError,
    },
    /// `-c` and `-f` in the order given; never empty.
    Script {
        /// What to run.
        items: Vec<Item>,
        /// `--param`s.
        params: Vec<String>,
        /// What to do after an error.
        on_error: OnError,
    },
    /// A saved query.
    Run(Run),
    /// Check files.
    Check(Vec<PathBuf>),
    /// Serve.
    Serve(Serve),
    /// Sample topics and a tour.
    Demo(Demo),
}

/// The command line.
#[derive(Debug, Clone)]
pub struct Options {
    /// What to do.
    pub action: Action,
    /// How.
    pub shared: Shared,
}

/// Reads the command line.
///
/// # Errors
/// What clap has to say: help, version, or a mistake. [`clap::Error::exit`] does the right thing with each.
pub fn parse(arguments: impl IntoIterator<Item = OsString>) -> Result<Options, clap::Error> {
    let mut command = Cli::command();
    let matches = command.try_get_matches_from_mut(arguments)?;
    let cli = Cli::from_arg_matches(&matches).map_err(|e| e.format(&mut command))?;
    let items = ordered(&matches, &cli.script);
    let Some(chosen) = cli.command else {
        let (params, on_error) = (cli.script.params, cli.script.on_error);
        let action = match items.is_empty() {
            true => Action::Interactive { params, on_error },
            false => Action::Script { items, params, on_error },
        };
        return Ok(Options { action, shared: cli.shared });
    };
    if !items.is_empty() || !cli.script.params.is_empty() {
        return Err(command.error(
            clap::error::ErrorKind::ArgumentConflict,
            "-c, -f and --param cannot be used with a subcommand; parameters of a saved query follow its name as n=5",
        ));
    }
    let (action, later) = match chosen {
        Command::Run(run) => (Action::Run(run.run), run.shared),
        Command::Check(check) => (Action::Check(check.paths), check.shared),
        Command::Serve(serve) => (Action::Serve(serve.serve), serve.shared),
        Command::Demo(demo) => (Action::Demo(demo.demo), demo.shared),
    };
    let shared = cli.shared.then(later);
    if matches!(action, Action::Serve(_)) && (shared.output.is_some() || shared.chosen_format().is_some()) {
        return Err(command.error(
            clap::error::ErrorKind::ArgumentConflict,
            "serve takes neither -o nor a format: each request chooses its own",
        ));
    }
    Ok(Options { action, shared })
}

/// `-c` and `-f` as they stood on the command line.
fn ordered(matches: &ArgMatches, script: &Script) -> Vec<Item> {
    let indices = |id: &str| matches.indices_of(id).into_iter().flatten();
    let commands = indices("commands").zip(script.commands.iter().cloned().map(Item::Text));
    let files = indices("files").zip(script.files.iter().cloned().map(Item::File));
    let mut items: Vec<(usize, Item)> = commands.chain(files).collect();
    items.sort_by_key(|(index, _)| *index);
    items.into_iter().map(|(_, item)| item).collect()
}

impl Shared {
    /// These flags and then `later` ones, which win.
    fn then(mut self, later: Shared) -> Shared {
        let format = if later.chosen_format().is_some() { &later } else { &self };
        let format = format.chosen_format().map(str::to_string);
        self.properties.extend(later.properties);
        self.settings.extend(later.settings);
        Shared {
            bootstrap: later.bootstrap.or(self.bootstrap),
            registry: later.registry.or(self.registry),
            properties: self.properties,
            properties_file: later.properties_file.or(self.properties_file),
            data: later.data.or(self.data),
            read_only: self.read_only || later.read_only,
            format,
            csv: false,
            json: false,
            ndjson: false,
            output: later.output.or(self.output),
            quiet: self.quiet || later.quiet,
            color: later.color.or(self.color),
            timeout: later.timeout.or(self.timeout),
            limit: later.limit.or(self.limit),
            memory: later.memory.or(self.memory),
            threads: later.threads.or(self.threads),
            settings: self.settings,
        }
    }

    /// The format asked for, by whichever flag.
    pub fn chosen_format(&self) -> Option<&str> {
        match (self.csv, self.json, self.ndjson) {
            (true, _, _) => Some("csv"),
            (_, true, _) => Some("json"),
            (_, _, true) => Some("ndjson"),
            _ => self.format.as_deref(),
        }
    }
}

fn formats() -> PossibleValuesParser {
    let words = SETTINGS.iter().find(|s| s.name == "format").map(|s| s.r#type);
    PossibleValuesParser::new(match words {
        Some(Type::Choice(words)) => words,
        _ => &[],
    })
}

/// A span of time of fixed length: what [`parse_interval`] reads, or a number of seconds.
fn duration(text: &str) -> Result<Duration, String> {
    let wrong = || "write a time such as 30s, '5 minutes' or 1h".to_string();
    if let Ok(seconds) = text.parse::<u32>() {
        return Ok(Duration::from_secs(u64::from(seconds)));
    }
    match parse_interval(text) {
        Some((0, days, nanos)) => {
            let days = u64::try_from(days).map_err(|_| wrong())?.checked_mul(86_400).ok_or_else(wrong)?;
            let nanos = u64::try_from(nanos).map_err(|_| wrong())?;
            Duration::from_secs(days).checked_add(Duration::from_nanos(nanos)).ok_or_else(wrong)
        }
        Some(_) => Err("months and years have no fixed length; write days".into()),
        None => Err(wrong()),
    }
}

/// A number of bytes: `1048576`, `512MiB`, `512M`, `1g` (powers of 1024), `500MB` (powers of 1000).
fn size(text: &str) -> Result<usize, String> {
    let wrong = || "write a size such as 512MiB or 1GiB".to_string();
    let text = text.trim();
    let end = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (digits, unit) = text.split_at(end);
    let factor: usize = match unit.trim().to_ascii_lowercase().as_str() {
        "" | "b" => 1,
        "k" | "kib" => 1 << 10,
        "m" | "mib" => 1 << 20,
        "g" | "gib" => 1 << 30,
        "kb" => 1_000,
        "mb" => 1_000_000,
        "gb" => 1_000_000_000,
        _ => return Err(wrong()),
    };
    let number: usize = digits.parse().map_err(|_| wrong())?;
    number.checked_mul(factor).filter(|bytes| *bytes > 0).ok_or_else(wrong)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn options(line: &[&str]) -> Options {
        parse(std::iter::once("weir").chain(line.iter().copied()).map(OsString::from)).unwrap()
    }

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn commands_and_files_keep_their_order() {
        let Action::Script { items, .. } = options(&["-c", "a", "-f", "x", "--command=b", "-f", "-"]).action else {
            panic!("a script")
        };
        let expected = [Item::Text("a".into()), Item::File("x".into()), Item::Text("b".into()), Item::File("-".into())];
        assert_eq!(items, expected);
    }

    #[test]
    fn flags_before_and_after_a_subcommand_add_up() {
        let options = options(&["-X", "a=1", "--csv", "-b", "x:1", "run", "top", "n=5", "-X", "b=2", "--ndjson", "-q"]);
        assert_eq!(options.shared.properties, ["a=1", "b=2"]);
        assert_eq!(options.shared.chosen_format(), Some("ndjson"));
        assert_eq!(options.shared.bootstrap.as_deref(), Some("x:1"));
        assert!(options.shared.quiet);
        let Action::Run(run) = options.action else { panic!("a run") };
        assert_eq!((run.name.as_deref(), run.arguments.as_slice()), (Some("top"), ["n=5".to_string()].as_slice()));
    }

    #[test]
    fn times_and_sizes() {
        assert_eq!(duration("90"), Ok(Duration::from_secs(90)));
        assert_eq!(duration("1m30s"), Ok(Duration::from_secs(90)));
        assert_eq!(duration("1 day"), Ok(Duration::from_secs(86_400)));
        assert!(duration("1 month").is_err() && duration("-5s").is_err() && duration("soon").is_err());
        assert_eq!(size("512MiB"), Ok(512 << 20));
        assert_eq!(size("1g"), Ok(1 << 30));
        assert_eq!(size("5kb"), Ok(5_000));
        assert!(size("0").is_err() && size("lots").is_err() && size("99999999999999999999g").is_err());
    }
}
