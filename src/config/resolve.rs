//! Who wins when flags, environment and files all say something. Pure: the environment is a function that is passed in,
//! files arrive as text.
//!
//! From strongest to weakest: flags, `WEIR_*`, a properties file, the variables that containers usually set
//! (`KAFKA_BOOTSTRAP_SERVERS`, `SCHEMA_REGISTRY_URL`, `KAFKA_SASL_*`, …). A file that was named by hand wins over what
//! happens to be in the environment, so that its password is never sent to another cluster.

use std::path::PathBuf;

use super::properties::parse;
use super::translate::{Strictness, Translation};
use super::{Cluster, Config};
use crate::error::{Error, Result};

/// Looks up an environment variable; an empty one counts as absent.
pub type Env<'a> = &'a dyn Fn(&str) -> Option<String>;

/// What the command line said.
#[derive(Debug, Clone, Default)]
pub struct Inputs {
    /// `-b`.
    pub bootstrap: Option<String>,
    /// `--registry`.
    pub registry: Option<String>,
    /// `--data`.
    pub data: Option<PathBuf>,
    /// `--properties`: the file's name and text.
    pub properties: Option<(String, String)>,
    /// `-X`, each `name=value`.
    pub overrides: Vec<String>,
}

/// What it all adds up to.
#[derive(Debug)]
pub struct Resolved {
    /// Where topics and schemas are; limits are the defaults.
    pub config: Config,
    /// Session settings that properties asked for.
    pub settings: Vec<(&'static str, String)>,
    /// Sentences for stderr: what was taken from the environment, what was ignored.
    pub notices: Vec<String>,
}

/// A property and the end of the variables that may hold it: `WEIR_` or `KAFKA_` comes in front.
const VARIABLES: &[(&str, &str)] = &[
    ("security.protocol", "SECURITY_PROTOCOL"),
    ("sasl.mechanism", "SASL_MECHANISM"),
    ("sasl.username", "SASL_USERNAME"),
    ("sasl.password", "SASL_PASSWORD"),
    ("sasl.jaas.config", "SASL_JAAS_CONFIG"),
    ("ssl.ca.location", "SSL_CA_LOCATION"),
    ("ssl.certificate.location", "SSL_CERTIFICATE_LOCATION"),
    ("ssl.key.location", "SSL_KEY_LOCATION"),
    ("ssl.key.password", "SSL_KEY_PASSWORD"),
];

const WEIR_VARIABLES: &[(&str, &str)] = &[
    ("bootstrap.servers", "WEIR_BOOTSTRAP"),
    ("schema.registry.url", "WEIR_REGISTRY"),
    ("schema.registry.basic.auth.user.info", "WEIR_REGISTRY_USER_INFO"),
    ("schema.registry.bearer.auth.token", "WEIR_REGISTRY_TOKEN"),
];

const USUAL_VARIABLES: &[(&str, &str)] = &[
    ("bootstrap.servers", "BOOTSTRAP_SERVERS"),
    ("bootstrap.servers", "KAFKA_BROKERS"),
    ("bootstrap.servers", "KAFKA_BOOTSTRAP_SERVERS"),
    ("schema.registry.url", "SCHEMA_REGISTRY_URL"),
    ("schema.registry.basic.auth.user.info", "SCHEMA_REGISTRY_BASIC_AUTH_USER_INFO"),
];

type Properties = Vec<(String, String, String)>;

fn from_env(env: Env, fixed: &[(&str, &str)], prefix: &str) -> Properties {
    let fixed = fixed.iter().map(|(property, variable)| (*property, (*variable).to_string()));
    let table = VARIABLES.iter().map(|(property, end)| (*property, format!("{prefix}{end}")));
    fixed
        .chain(table)
        .filter_map(|(property, variable)| {
            let value = env(&variable).filter(|v| !v.is_empty())?;
            Some((property.to_string(), value, format!("${variable}")))
        })
        .collect()
}

fn from_flags(inputs: &Inputs) -> Result<Properties> {
    let mut flags = Properties::new();
    for text in &inputs.overrides {
        let Some((name, value)) = text.split_once('=').filter(|(name, _)| !name.trim().is_empty()) else {
            // What follows the name may be a secret.
            let name = text.split_whitespace().next().unwrap_or_default();
            return Err(Error::usage(format!("-X {name}: there is no = in it"))
                .with_hint("write -X name=value, as in -X security.protocol=ssl"));
        };
        flags.push((name.trim().to_string(), value.to_string(), format!("-X {}", name.trim())));
    }
    for (property, value, flag) in
        [("bootstrap.servers", &inputs.bootstrap, "-b"), ("schema.registry.url", &inputs.registry, "--registry")]
    {
        if let Some(value) = value {
            flags.push((property.to_string(), value.clone(), flag.to_string()));
        }
    }
    Ok(flags)
}

fn has(properties: &Properties, name: &str) -> bool {
    let alias = if name == "bootstrap.servers" { "metadata.broker.list" } else { name };
    properties.iter().any(|(n, _, _)| n == name || n == alias)
}

/// Puts together what weir was told.
///
/// # Errors
/// [`crate::error::Kind::Usage`] that names flag, variable, or file and line.
pub fn resolve(inputs: &Inputs, env: Env) -> Result<Resolved> {
    let flags = from_flags(inputs)?;
    let own = from_env(env, WEIR_VARIABLES, "WEIR_");
    let mut usual = from_env(env, USUAL_VARIABLES, "KAFKA_");
    let file = match &inputs.properties {
        Some((name, text)) => {
            let entry = |e: super::properties::Entry| (e.name, e.value, format!("{name}:{}", e.line));
            parse(text, name)?.into_iter().map(entry).collect()
        }
        None => Properties::new(),
    };
    let data = env("WEIR_DATA").filter(|v| !v.is_empty()).map(PathBuf::from);
    let bootstrap = "bootstrap.servers";
    let local = is_local(inputs, data.is_some(), [&flags, &own, &file, &usual])?;
    if local && inputs.data.is_none() {
        refuse_lost(&file, &flags)?;
    }
    if local {
        usual.retain(|(name, _, _)| name.starts_with("schema.registry."));
    } else if [&flags, &own, &file].iter().any(|p| has(p, bootstrap)) {
        usual.retain(|(name, _, _)| name != bootstrap);
    }
    let mut notices = Vec::new();
    if let Some(notice) = environment_notice(&usual, &[&file, &own, &flags]) {
        notices.push(notice);
    }
    let mut translation = Translation::default();
    for (properties, strictness) in [
        (&usual, Strictness::Refuse),
        (&file, Strictness::Note),
        (&own, Strictness::Refuse),
        (&flags, Strictness::Refuse),
    ] {
        translation.apply(properties, strictness)?;
    }
    if !translation.ignored.is_empty() {
        notices.push(format!("ignored, as they mean nothing here: {}", translation.ignored.join(", ")));
    }
    let cluster = if local {
        let dir = inputs.data.clone().or(data);
        Cluster::Local { dir: dir.map_or_else(|| default_data_dir(env), Ok)? }
    } else {
        Cluster::Kafka { properties: translation.kafka.clone() }
    };
    let mut config = Config::new(cluster);
    if let Some(registry) = translation.registry_config()? {
        config.registry = registry;
    }
    let settings = translation.settings.into_iter().collect();
    Ok(Resolved { config, settings, notices })
}

/// Whether topics are those of the local log: the strongest source that names brokers or a folder decides, and without
/// one it is the log. Sources come from the strongest to the weakest; `data` tells whether `WEIR_DATA` is set.
fn is_local(inputs: &Inputs, data: bool, [flags, own, file, usual]: [&Properties; 4]) -> Result<bool> {
    let names_brokers = |source| has(source, "bootstrap.servers");
    if inputs.data.is_some() && names_brokers(flags) {
        return Err(Error::usage("--data and a broker were both given")
            .with_hint("--data is for the local log, -b for Kafka: give one of them"));
    }
    if inputs.data.is_some() && names_brokers(file) {
        return Err(Error::usage("--data was given and the properties file names brokers")
            .with_hint("--data is for the local log: leave one of them out"));
    }
    if inputs.data.is_some() {
        return Ok(true);
    }
    if names_brokers(flags) || names_brokers(own) {
        return Ok(false);
    }
    // WEIR_DATA only says where the log would be: a file given by hand that names brokers is about those.
    Ok(!names_brokers(file) && (data || !names_brokers(usual)))
}

/// Refuses Kafka properties that nobody would use: they were given by hand, and no source names a broker.
fn refuse_lost(file: &Properties, flags: &Properties) -> Result<()> {
    let mut given = Translation::default();
    given.apply(file, Strictness::Note)?;
    given.apply(flags, Strictness::Refuse)?;
    match given.kafka.keys().next() {
        Some(name) => Err(Error::usage(format!("{name} was given, and no broker"))
            .with_hint("name one with -b HOST:PORT or bootstrap.servers; the local log takes no such properties")),
        None => Ok(()),
    }
}

/// Which of the usual variables take effect, said in one sentence without any value.
fn environment_notice(usual: &Properties, stronger: &[&Properties]) -> Option<String> {
    let mut names: Vec<&str> = Vec::new();
    for (index, (name, _, origin)) in usual.iter().enumerate() {
        let later = usual.iter().skip(index + 1).any(|(n, _, _)| n == name);
        if !later && !stronger.iter().any(|p| has(p, name)) {
            names.push(origin);
        }
    }
    (!names.is_empty()).then(|| format!("taken from the environment: {}", names.join(", ")))
}

/// Where the local log lives when nobody says: `$XDG_DATA_HOME/weir`, else `~/.local/share/weir`.
fn default_data_dir(env: Env) -> Result<PathBuf> {
    let set = |name: &str| env(name).filter(|v| !v.is_empty()).map(PathBuf::from);
    if let Some(dir) = set("XDG_DATA_HOME").filter(|d| d.is_absolute()) {
        return Ok(dir.join("weir"));
    }
    set("HOME").map(|home| home.join(".local/share/weir")).ok_or_else(|| {
        Error::usage("there is no place for the local log: HOME is not set").with_hint("name a folder with --data DIR")
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::RegistryConfig;

    fn run(inputs: &Inputs, variables: &[(&str, &str)]) -> Result<Resolved> {
        resolve(inputs, &|name| variables.iter().find(|(n, _)| *n == name).map(|(_, v)| (*v).to_string()))
    }

    fn servers(resolved: &Resolved) -> &str {
        match &resolved.config.cluster {
            Cluster::Kafka { properties } => &properties["bootstrap.servers"],
            _ => "none",
        }
    }

    fn file(text: &str) -> Option<(String, String)> {
        Some(("c.properties".into(), text.into()))
    }

    #[test]
    fn alone_it_is_the_local_log_with_its_registry() {
        let resolved = run(&Inputs::default(), &[("HOME", "/h")]).unwrap();
        assert_eq!(resolved.config.cluster, Cluster::Local { dir: "/h/.local/share/weir".into() });
        assert_eq!(resolved.config.registry, RegistryConfig::Beside);
        let resolved = run(&Inputs::default(), &[("HOME", "/h"), ("XDG_DATA_HOME", "/x")]).unwrap();
        assert_eq!(resolved.config.cluster, Cluster::Local { dir: "/x/weir".into() });
        assert!(run(&Inputs::default(), &[]).is_err());
    }

    #[test]
    fn the_stronger_source_wins() {
        let all = [("HOME", "/h"), ("WEIR_BOOTSTRAP", "own:1"), ("KAFKA_BROKERS", "usual:1")];
        let mut inputs = Inputs { bootstrap: Some("flag:1".into()), ..Inputs::default() };
        inputs.properties = file("bootstrap.servers=file:1\n");
        assert_eq!(servers(&run(&inputs, &all).unwrap()), "flag:1");
        inputs.bootstrap = None;
        assert_eq!(servers(&run(&inputs, &all).unwrap()), "own:1");
        let resolved = run(&inputs, &[("KAFKA_BROKERS", "usual:1")]).unwrap();
        assert_eq!(servers(&resolved), "file:1");
        assert!(resolved.notices.is_empty());
        inputs.properties = None;
        let resolved = run(&inputs, &[("KAFKA_BROKERS", "usual:1"), ("KAFKA_SASL_PASSWORD", "hunter2")]).unwrap();
        assert_eq!(servers(&resolved), "usual:1");
        assert_eq!(resolved.notices, ["taken from the environment: $KAFKA_BROKERS, $KAFKA_SASL_PASSWORD"]);
    }

    #[test]
    fn a_data_folder_keeps_the_environments_brokers_away() {
        let inputs = Inputs { data: Some("d".into()), ..Inputs::default() };
        let resolved = run(&inputs, &[("KAFKA_BROKERS", "a:1"), ("WEIR_BOOTSTRAP", "b:1")]).unwrap();
        assert_eq!(resolved.config.cluster, Cluster::Local { dir: "d".into() });
        assert!(resolved.notices.is_empty());
        let both = Inputs { bootstrap: Some("a:1".into()), ..inputs };
        assert_eq!(run(&both, &[]).unwrap_err().message(), "--data and a broker were both given");
    }

    #[test]
    fn properties_without_a_broker_are_refused() {
        let inputs = Inputs { overrides: vec!["security.protocol=ssl".into()], ..Inputs::default() };
        let error = run(&inputs, &[("HOME", "/h")]).unwrap_err();
        assert_eq!(error.message(), "security.protocol was given, and no broker");
        let inputs = Inputs { properties: file("sasl.mechanism=PLAIN\n"), ..Inputs::default() };
        assert!(run(&inputs, &[("WEIR_DATA", "/d")]).is_err());
        let resolved = run(&inputs, &[("KAFKA_BROKERS", "a:1")]).unwrap();
        assert_eq!(servers(&resolved), "a:1");
        let registry = Inputs { registry: Some("http://r".into()), ..Inputs::default() };
        assert!(matches!(run(&registry, &[("HOME", "/h")]).unwrap().config.cluster, Cluster::Local { .. }));
    }

    #[test]
    fn a_file_given_by_hand_wins_over_the_folder_of_the_environment() {
        let inputs = Inputs { properties: file("bootstrap.servers=f:1\n"), ..Inputs::default() };
        assert_eq!(servers(&run(&inputs, &[("WEIR_DATA", "/d")]).unwrap()), "f:1");
        let resolved = run(&Inputs::default(), &[("WEIR_DATA", "/d"), ("KAFKA_BROKERS", "a:1")]).unwrap();
        assert_eq!(resolved.config.cluster, Cluster::Local { dir: "/d".into() });
    }

    #[test]
    fn overrides_are_properties_and_may_name_the_registry() {
        let inputs = Inputs {
            overrides: vec!["bootstrap.servers=a:1".into(), "schema.registry.url=http://r".into()],
            ..Inputs::default()
        };
        let resolved = run(&inputs, &[]).unwrap();
        assert_eq!(servers(&resolved), "a:1");
        assert!(matches!(resolved.config.registry, RegistryConfig::Http { .. }));
        for (text, message) in [
            ("noequals", "-X noequals: there is no = in it"),
            ("bootstrap.server=a", "-X bootstrap.server: there is no property \"bootstrap.server\""),
            ("bootstrap.servers=a:x", "-X bootstrap.servers: broker \"a:x\" has no port from 1 to 65535"),
        ] {
            let inputs = Inputs { overrides: vec![text.into()], ..Inputs::default() };
            assert_eq!(run(&inputs, &[("HOME", "/h")]).unwrap_err().message(), message);
        }
    }

    #[test]
    fn a_files_faults_carry_file_and_line() {
        let inputs = Inputs { properties: file("# c\nbootstrap.servers=a:99999\n"), ..Inputs::default() };
        let error = run(&inputs, &[]).unwrap_err();
        assert_eq!(error.message(), "c.properties:2: broker \"a:99999\" has no port from 1 to 65535");
    }

    #[test]
    fn serializers_are_ignored_with_one_notice() {
        let text = "bootstrap.servers=a:1\nkey.serializer=K\nvalue.serializer=V\n";
        let resolved = run(&Inputs { properties: file(text), ..Inputs::default() }, &[]).unwrap();
        assert_eq!(resolved.notices, ["ignored, as they mean nothing here: key.serializer, value.serializer"]);
    }
}
