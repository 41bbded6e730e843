//! What some tests need from the machine, and what happens to them without it.

mod check;

pub use check::pypi_python;

use libtest_mimic::Trial;
use std::collections::BTreeSet;
use std::fmt;

/// Something that not every machine has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Requirement {
    /// A GPU adapter, a software one included.
    Gpu,
    /// `python3`.
    Python,
    /// Python packages: python-bitcoinlib and opentimestamps, importable by
    /// `python3`, or by the interpreter that `POW_PYTHON` names.
    Pypi,
    /// `node`, and Rust's standard library for the target that it runs.
    Node,
    /// `openssl` of version 3 or newer, with its commands `ts` and `cms`.
    Openssl,
    /// The right to mount a tmpfs, so that a full disk can be had.
    Tmpfs,
    /// `ssh-keygen`, to sign and to check signatures.
    SshKeygen,
    /// `minisign`.
    Minisign,
    /// Python packages that judge statements: model-signing with pyOpenSSL,
    /// in-toto-attestation and securesystemslib, importable as those of `Pypi`.
    ModelSigning,
    /// Chromium, Node, and the packages of `tests/browser`.
    Browser,
    /// A CPU with the vector units of this search kernel. `POW_REQUIRE` has no
    /// name for it: no machine has all of them.
    Kernel(&'static str),
}

/// Those that `POW_REQUIRE` may name.
const NAMED: [Requirement; 10] = [
    Requirement::Gpu,
    Requirement::Python,
    Requirement::Pypi,
    Requirement::Node,
    Requirement::Openssl,
    Requirement::Tmpfs,
    Requirement::SshKeygen,
    Requirement::Minisign,
    Requirement::ModelSigning,
    Requirement::Browser,
];

impl fmt::Display for Requirement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Requirement::Gpu => f.write_str("gpu"),
            Requirement::Python => f.write_str("python"),
            Requirement::Pypi => f.write_str("pypi"),
            Requirement::Node => f.write_str("node"),
            Requirement::Openssl => f.write_str("openssl"),
            Requirement::Tmpfs => f.write_str("tmpfs"),
            Requirement::SshKeygen => f.write_str("ssh-keygen"),
            Requirement::Minisign => f.write_str("minisign"),
            Requirement::ModelSigning => f.write_str("model-signing"),
            Requirement::Browser => f.write_str("browser"),
            Requirement::Kernel(name) => write!(f, "the CPU kernel {name}"),
        }
    }
}

/// The requirements that must not be missing.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Required(BTreeSet<Requirement>);

impl Required {
    /// What `POW_REQUIRE` names.
    pub fn from_env() -> Result<Self, String> {
        Self::parse(&std::env::var("POW_REQUIRE").unwrap_or_default())
    }

    /// Names separated by commas.
    fn parse(names: &str) -> Result<Self, String> {
        names
            .split(',')
            .map(str::trim)
            .filter(|name| !name.is_empty())
            .map(|name| {
                NAMED
                    .into_iter()
                    .find(|known| known.to_string() == name)
                    .ok_or_else(|| {
                        let known = NAMED.map(|known| known.to_string()).join(", ");
                        format!("{name:?} is unknown; there are {known}")
                    })
            })
            .collect::<Result<_, _>>()
            .map(Required)
    }
}

/// A test: a name, a function that panics to fail, and what it needs.
pub struct Test {
    name: String,
    needs: Vec<Requirement>,
    run: Box<dyn FnOnce() + Send>,
}

impl Test {
    /// The test `function` of a module, which runs everywhere.
    pub fn of(module: &str, function: &str, run: fn()) -> Self {
        let (_program, module) = module.split_once("::").unwrap();
        Self::new(format!("{}/{function}", module.replace("::", "/")), run)
    }

    /// A test that runs everywhere, by its whole name.
    pub fn new(name: impl Into<String>, run: impl FnOnce() + Send + 'static) -> Self {
        Test {
            name: name.into(),
            needs: Vec::new(),
            run: Box::new(run),
        }
    }

    /// The same test, which needs something.
    pub fn needs(mut self, requirement: Requirement) -> Self {
        self.needs.push(requirement);
        self
    }

    /// `area/name`.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The test for the test runner.
    pub fn trial(self, required: &Required) -> Trial {
        let mut needs = self.needs.iter();
        let missing =
            needs.find_map(|requirement| Some((*requirement, check::missing(*requirement)?)));
        match Fate::of(missing, required) {
            Fate::Runs => Trial::test(self.name, move || {
                (self.run)();
                Ok(())
            }),
            Fate::Fails(reason) => Trial::test(self.name, move || Err(reason.into())),
            // If it runs with --include-ignored, it fails.
            Fate::Ignored(reason) => Trial::test(self.name, {
                let reason = reason.clone();
                move || Err(reason.into())
            })
            .with_kind(reason)
            .with_ignored_flag(true),
        }
    }
}

/// What happens to a test.
#[derive(Debug, PartialEq, Eq)]
enum Fate {
    Runs,
    Ignored(String),
    Fails(String),
}

impl Fate {
    fn of(missing: Option<(Requirement, String)>, required: &Required) -> Self {
        let Some((requirement, reason)) = missing else {
            return Fate::Runs;
        };
        let reason = format!("needs {requirement}: {reason}");
        if required.0.contains(&requirement) {
            Fate::Fails(reason)
        } else {
            Fate::Ignored(reason)
        }
    }
}

tests! {
    names_are_parsed, a_missing_one_ignores_or_fails
}

fn names_are_parsed() {
    let parsed = |names| Required::parse(names).map(|required| required.0);
    assert_eq!(parsed(""), Ok(BTreeSet::new()));
    let both = [Requirement::Gpu, Requirement::Tmpfs].into();
    assert_eq!(parsed("tmpfs, gpu"), Ok(both));
    let error = parsed("gpu,gpus").unwrap_err();
    assert_eq!(
        error,
        "\"gpus\" is unknown; there are gpu, python, pypi, node, openssl, tmpfs, ssh-keygen, minisign, model-signing, browser"
    );
}

fn a_missing_one_ignores_or_fails() {
    let fate = |missing: Option<&str>, required| {
        let missing = missing.map(|reason| (Requirement::Gpu, reason.to_owned()));
        Fate::of(missing, &Required::parse(required).unwrap())
    };
    let reason = "needs gpu: none is there".to_owned();
    let missing = Some("none is there");
    assert_eq!(fate(missing, ""), Fate::Ignored(reason.clone()));
    assert_eq!(fate(missing, "python"), Fate::Ignored(reason.clone()));
    assert_eq!(fate(missing, "python,gpu"), Fate::Fails(reason));
    assert_eq!(fate(None, "gpu"), Fate::Runs);
}
