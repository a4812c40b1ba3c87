//! From the command line to a running front: configuration, engine, session, sinks, signals, exit code. The only place that
//! looks at the process: its environment, its terminals, its signals.

use std::ffi::OsString;
use std::fs::File;
use std::io::{self, BufWriter, IsTerminal, Write};
use std::path::{Path, PathBuf};

use tokio_util::sync::CancellationToken;

use super::cli::{self, Action, Color, Item, OnError, Options, Shared};
use super::script::{self, Source, SourceError};
use super::show::{Outcome, Output};
use super::{demo, http, saved, shell};
use crate::config::resolve::{Inputs, resolve};
use crate::config::{Cluster, Config, RegistryConfig};
use crate::error::{Error, Kind, Result};
use crate::render::Format;
use crate::session::Session;
use crate::session::engine::Engine;

/// Stack of each thread that plans and runs statements, of which only what is used takes memory: as much as the deepest
/// tree that the parser lets through needs.
const STACK_BYTES: usize = 64 << 20;

/// Runs weir with the process's arguments; returns its exit code. Standard output and error are flushed.
pub fn run(arguments: impl IntoIterator<Item = OsString>) -> i32 {
    let options = match cli::parse(arguments) {
        Ok(options) => options,
        Err(error) => error.exit(),
    };
    match start(&options) {
        Ok(code) => code,
        Err(failed) => {
            let color = colored(&options.shared, io::stderr().is_terminal());
            // Nobody is left to tell when standard error is closed.
            let _ = io::stderr().write_all(failed.screen(color).as_bytes());
            failed.error.kind().exit_code()
        }
    }
}

/// What is known before anything is opened: everything that can be refused has been.
struct Prepared {
    config: Config,
    settings: Vec<(String, String)>,
    notices: Vec<String>,
    work: Work,
}

enum Work {
    Sources { sources: Vec<Source>, on_error: OnError },
    Check(Vec<PathBuf>),
    Serve(cli::Serve),
    Shell,
    Demo(cli::Demo),
}

fn start(options: &Options) -> Result<i32, Box<SourceError>> {
    if let Action::Run(run) = &options.action
        && run.list
    {
        let dir = saved::queries_dir(run.queries.as_deref(), &here()?)?;
        return with_output(&options.shared, CancellationToken::new(), |mut output| {
            Ok(script::list(&dir, &mut output)?)
        });
    }
    let prepared = prepare(options)?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        // One more than queries use, and clocks looked at often: Ctrl-C, progress and connections must not wait for a
        // batch that takes long.
        .worker_threads(prepared.config.threads.saturating_add(1))
        .event_interval(4)
        .thread_stack_size(STACK_BYTES)
        .enable_all()
        .build()
        .map_err(|e| Error::io("cannot start threads", e))?;
    let code = match prepared.work {
        Work::Serve(serve) => {
            say(&prepared.notices, &options.shared);
            let limits = http::Limits {
                timeout: options.shared.timeout,
                max_rows: options.shared.limit.map(u64::from),
                max_queries: usize::from(serve.max_queries),
                max_body_bytes: serve.max_body,
            };
            let setup = http::Setup {
                listen: serve.listen,
                token: serve.token.filter(|t| !t.is_empty()),
                grace: serve.grace,
                settings: prepared.settings,
                limits,
            };
            runtime.block_on(http::serve(prepared.config, setup)).map(|()| 0).map_err(Box::<SourceError>::from)
        }
        Work::Shell => {
            say(&prepared.notices, &options.shared);
            let mut look = shell::Options::new(connection(&prepared.config));
            look.color = colored(&options.shared, io::stdout().is_terminal());
            look.banner = (!options.shared.quiet).then(|| banner(&look.connection));
            runtime.block_on(async {
                let session = open(prepared.config, &prepared.settings).await?;
                Ok(shell::run(session, look).await)
            })
        }
        Work::Demo(demo) => run_demo(&runtime, options, &demo, prepared.config, &prepared.settings),
        work => {
            say(&prepared.notices, &options.shared);
            let stop = CancellationToken::new();
            with_output(&options.shared, stop.clone(), |mut output| {
                runtime.block_on(async {
                    stop_on_ctrl_c(stop.clone());
                    tokio::select! {
                        code = execute(prepared.config, &prepared.settings, work, &mut output) => code,
                        // Statements answer to `stop` themselves and keep their rows; opening does not.
                        () = stopped_for_good(&stop) => Ok(Kind::Cancelled.exit_code()),
                    }
                })
            })
        }
    };
    runtime.shutdown_background();
    code
}

async fn execute(
    config: Config,
    settings: &[(String, String)],
    work: Work,
    output: &mut Output<'_>,
) -> Result<i32, Box<SourceError>> {
    let session = open(config, settings).await?;
    match work {
        Work::Sources { sources, on_error } => Ok(script::run(&session, &sources, on_error, output).await),
        Work::Check(paths) => Ok(script::check(&session, &paths, output).await?),
        Work::Serve(_) | Work::Shell | Work::Demo(_) => {
            Err(Error::internal("servers, shells and the demo have sinks of their own").into())
        }
    }
}

/// The demo's tour, then the shell where a person can go on.
fn run_demo(
    runtime: &tokio::runtime::Runtime,
    options: &Options,
    demo: &cli::Demo,
    config: Config,
    settings: &[(String, String)],
) -> Result<i32, Box<SourceError>> {
    let shared = &options.shared;
    let stop = CancellationToken::new();
    let mut look = shell::Options::new(connection(&config));
    look.color = colored(shared, io::stdout().is_terminal());
    look.banner = (!shared.quiet).then(|| banner(&look.connection));
    let toured = with_output(shared, stop.clone(), |mut output| {
        runtime.block_on(async {
            let interrupts = stop_on_ctrl_c(stop.clone());
            let toured = tokio::select! {
                toured = demo::run(demo, config, settings, &mut output) => toured.map(Some),
                () = stopped_for_good(&stop) => Ok(None),
            };
            // In the shell Ctrl-C means something else.
            interrupts.abort();
            toured
        })
    })?;
    match toured {
        None => Ok(Kind::Cancelled.exit_code()),
        Some((_, Outcome::Cancelled)) => Ok(Kind::Cancelled.exit_code()),
        Some((session, Outcome::Done))
            if shared.output.is_none() && io::stdin().is_terminal() && io::stdout().is_terminal() =>
        {
            Ok(runtime.block_on(shell::run(session, look)))
        }
        Some(_) => Ok(0),
    }
}

async fn open(config: Config, settings: &[(String, String)]) -> Result<Session> {
    let session = Session::new(Engine::open(config).await?);
    for (name, value) in settings {
        session.set(name, value)?;
    }
    Ok(session)
}

/// Where topics and schemas are, in one line without any secret.
fn connection(config: &Config) -> String {
    let topics = match &config.cluster {
        Cluster::Local { dir } => format!("local log {}", dir.display()),
        Cluster::Kafka { properties } => {
            format!("kafka {}", properties.get("bootstrap.servers").map_or("", String::as_str))
        }
        Cluster::Memory => "memory".to_string(),
    };
    match &config.registry {
        RegistryConfig::Http { urls, .. } => format!("{topics} · registry {}", urls.join(", ")),
        RegistryConfig::Beside => topics,
        RegistryConfig::None => format!("{topics} · no registry"),
    }
}

fn banner(connection: &str) -> String {
    format!("weir {} · {connection} · \\h help, \\d topics, \\q leave", env!("CARGO_PKG_VERSION"))
}

/// Looks at everything that can be wrong without opening or connecting anything.
fn prepare(options: &Options) -> Result<Prepared, Box<SourceError>> {
    let shared = &options.shared;
    let inputs = Inputs {
        bootstrap: shared.bootstrap.clone(),
        registry: shared.registry.clone(),
        data: shared.data.clone(),
        properties: properties_file(shared)?,
        overrides: shared.properties.clone(),
    };
    let resolved = match options.action {
        // Brokers that happen to be in the environment are not what the demo is about.
        Action::Demo(_) if shared.bootstrap.is_none() => {
            let inputs = Inputs { data: inputs.data, ..Inputs::default() };
            let place = ["WEIR_DATA", "XDG_DATA_HOME", "HOME"];
            resolve(&inputs, &|name| place.contains(&name).then(|| std::env::var(name).ok()).flatten())?
        }
        _ => resolve(&inputs, &|name| std::env::var(name).ok())?,
    };
    let mut config = resolved.config;
    if let Some(memory) = shared.memory {
        config.memory_bytes = memory;
    }
    if let Some(threads) = shared.threads {
        config.threads = usize::from(threads);
    }
    config.writes = !shared.read_only;
    if let Action::Serve(serve) = &options.action {
        config.files = serve.allow_files;
    }
    let mut settings: Vec<(String, String)> =
        resolved.settings.into_iter().map(|(name, value)| (name.to_string(), value)).collect();
    settings.extend(flag_settings(shared)?);
    let work = match &options.action {
        Action::Interactive { params, .. } if io::stdin().is_terminal() => {
            if !params.is_empty() {
                return Err(Error::usage("--param needs a -c or -f that takes it").into());
            }
            if shared.output.is_some() {
                return Err(Error::usage("-o needs -c or -f").with_hint("in the shell, \\o FILE does it").into());
            }
            Work::Shell
        }
        Action::Interactive { params, on_error } => {
            Work::Sources { sources: script::sources(&[Item::File("-".into())], params)?, on_error: *on_error }
        }
        Action::Script { items, params, on_error } => {
            Work::Sources { sources: script::sources(items, params)?, on_error: *on_error }
        }
        Action::Run(run) => {
            let query = saved::find(run.name.as_deref().unwrap_or_default(), run.queries.as_deref(), &here()?)?;
            let params = query.bind(&saved::split_arguments(&run.arguments)?)?;
            let source = Source { name: Some(query.path.display().to_string()), text: query.text, params };
            Work::Sources { sources: vec![source], on_error: OnError::Stop }
        }
        Action::Check(paths) => Work::Check(paths.clone()),
        Action::Serve(serve) => Work::Serve(serve.clone()),
        Action::Demo(demo) => {
            if let Cluster::Local { dir } = &mut config.cluster {
                *dir = demo.dir.clone().unwrap_or_else(|| demo::folder(dir));
            }
            Work::Demo(demo.clone())
        }
    };
    Ok(Prepared { config, settings, notices: resolved.notices, work })
}

/// Session settings that flags stand for; checked against the table of settings.
fn flag_settings(shared: &Shared) -> Result<Vec<(String, String)>> {
    let mut settings = Vec::new();
    for text in &shared.settings {
        let Some((name, value)) = text.split_once('=') else {
            return Err(Error::usage(format!("--set {text}: there is no = in it"))
                .with_hint("write --set name=value, as in --set on_error=skip"));
        };
        settings.push((name.trim().to_string(), value.trim().to_string()));
    }
    if let Some(format) = shared.chosen_format() {
        settings.push(("format".into(), format.into()));
    }
    if let Some(timeout) = shared.timeout {
        settings.push(("timeout_ms".into(), timeout.as_millis().max(1).to_string()));
    }
    if let Some(limit) = shared.limit {
        settings.push(("max_rows".into(), limit.to_string()));
    }
    let mut probe = crate::config::settings::Settings::default();
    for (name, value) in &settings {
        probe.set(name, value).map_err(|e| e.with_kind(Kind::Usage))?;
    }
    Ok(settings)
}

/// `--properties`, or `$WEIR_PROPERTIES`: the file's name and text.
fn properties_file(shared: &Shared) -> Result<Option<(String, String)>> {
    let variable = |name: &str| std::env::var_os(name).filter(|v| !v.is_empty()).map(PathBuf::from);
    let Some(mut path) = shared.properties_file.clone().or_else(|| variable("WEIR_PROPERTIES")) else {
        return Ok(None);
    };
    if path == Path::new("KCAT_CONFIG") || path == Path::new("$KCAT_CONFIG") {
        path = variable("KCAT_CONFIG").ok_or_else(|| Error::usage("the variable KCAT_CONFIG is not set"))?;
    }
    let text = saved::read_text(&path)?;
    Ok(Some((path.display().to_string(), text)))
}

fn here() -> Result<PathBuf> {
    std::env::current_dir().map_err(|e| Error::io("cannot tell the current folder", e))
}

fn colored(shared: &Shared, terminal: bool) -> bool {
    match shared.color.unwrap_or(Color::Auto) {
        Color::Always => true,
        Color::Never => false,
        Color::Auto => {
            let set = |name: &str| std::env::var_os(name).is_some_and(|v| !v.is_empty());
            terminal && !set("NO_COLOR") && std::env::var_os("TERM").is_none_or(|term| term != "dumb")
        }
    }
}

fn say(notices: &[String], shared: &Shared) {
    if shared.quiet {
        return;
    }
    for notice in notices {
        // Nobody is left to tell when standard error is closed.
        let _ = writeln!(io::stderr(), "note: {notice}");
    }
}

/// Calls `work` with the sinks that the flags ask for.
fn with_output<T>(
    shared: &Shared,
    stop: CancellationToken,
    work: impl FnOnce(Output<'_>) -> Result<T, Box<SourceError>>,
) -> Result<T, Box<SourceError>> {
    let terminal = shared.output.is_none() && io::stdout().is_terminal();
    let mut data: Box<dyn Write + Send> = match &shared.output {
        Some(path) => {
            let file = File::create(path)
                .map_err(|e| Error::io(format!("cannot write {}", path.display()), e).with_kind(Kind::Usage))?;
            Box::new(BufWriter::new(file))
        }
        None => Box::new(BufWriter::with_capacity(1 << 16, io::stdout())),
    };
    let mut talk = io::stderr();
    let columns = |size: Option<(terminal_size::Width, terminal_size::Height)>| size.map(|(w, _)| usize::from(w.0));
    let talk_terminal = io::stderr().is_terminal();
    let bar = talk_terminal && !shared.quiet;
    work(Output {
        data: data.as_mut(),
        talk: &mut talk,
        auto: shared.output.as_deref().and_then(Format::of_file).unwrap_or_default(),
        width: if terminal { columns(terminal_size::terminal_size_of(io::stdout())) } else { None },
        color: colored(shared, terminal),
        talk_color: colored(shared, talk_terminal),
        bar: if bar { columns(terminal_size::terminal_size_of(io::stderr())) } else { None },
        quiet: shared.quiet,
        stop,
    })
}

/// The first Ctrl-C cancels `stop`; the second ends the process.
fn stop_on_ctrl_c(stop: CancellationToken) -> tokio::task::JoinHandle<()> {
    tokio::spawn(async move {
        while tokio::signal::ctrl_c().await.is_ok() {
            if stop.is_cancelled() {
                std::process::exit(Kind::Cancelled.exit_code());
            }
            stop.cancel();
        }
    })
}

/// Ready some time after `stop` was cancelled, for work that does not answer to it.
async fn stopped_for_good(stop: &CancellationToken) {
    stop.cancelled().await;
    tokio::time::sleep(std::time::Duration::from_millis(500)).await;
}
