//! DECLARED: whether the run is what a declaration made before it says.

use crate::declaration::{Declaration, Declared, GivenDeclaration};
use crate::options::AuditOptions;
use crate::report::declared::{DeclaredField, DeclaredReport, DeclaringKey, FieldState};
use crate::report::verdict::Verdict;
use crate::report::{DISCARDED_RUNS, Level, LevelReport};
use crate::signature::SignerKey;
use crate::walk::WalkEnd;
use pow_core::body::{Final, Genesis};
use pow_core::extension::Unusable;
use pow_core::hash::FileDigest;
use std::fmt::Display;

/// What was found out about a declaration.
#[derive(Debug, Default)]
pub(crate) struct DeclaredVerdict {
    /// Absent if there is nothing to say.
    pub(crate) level: Option<LevelReport>,
    pub(crate) report: Option<DeclaredReport>,
    /// How many runs were declared, if the declaration is that of genesis and nothing
    /// differs.
    runs: Option<u32>,
}

/// What a run did, as far as its ends show it.
pub(crate) struct Done<'a> {
    pub(crate) genesis: &'a Genesis,
    /// Absent if there is no final block.
    pub(crate) end: Option<&'a Final>,
}

/// The verdict on a run.
pub(crate) fn of_run(end: &WalkEnd, options: &AuditOptions) -> DeclaredVerdict {
    let given = options.declaration.as_ref();
    let is_asked = given.is_some() || options.require.contains(&Level::Declared);
    let Some(chain) = &end.chain else {
        let line = "no genesis block";
        return DeclaredVerdict {
            level: is_asked.then(|| LevelReport::new(Level::Declared, Verdict::NotChecked, line)),
            ..DeclaredVerdict::default()
        };
    };
    let done = Done {
        genesis: chain.genesis(),
        end: chain.end().filter(|_| end.failure().is_none()),
    };
    judge(&done, given, &options.revoked, is_asked)
}

/// The verdict by the declaration that the verifier gave.
pub(crate) fn judge(
    done: &Done<'_>,
    given: Option<&GivenDeclaration>,
    revoked: &[SignerKey],
    is_asked: bool,
) -> DeclaredVerdict {
    let named = done.genesis.declaration();
    if !is_asked && matches!(named, Ok(None)) {
        return DeclaredVerdict::default();
    }
    let signed = given.map(|given| signers(given, revoked));
    let (keys, unused) = signed.unwrap_or_default();
    let mut report = DeclaredReport {
        named: named
            .as_ref()
            .ok()
            .and_then(|named| named.map(|d| d.to_string())),
        given: given.map(|given| given.declaration.digest().to_string()),
        declared_by: keys,
        fields: Vec::new(),
    };
    let mut level = match (same(named, given), given) {
        (Err((verdict, line)), _) => LevelReport::new(Level::Declared, verdict, line),
        (Ok(declaration), given) => {
            report.fields = compare(declaration.declared(), done);
            fields_level(&report, given)
        }
    };
    for line in unused {
        level = level.line(line);
    }
    let is_followed = !report.fields.is_empty() && level.verdict != Verdict::Fails;
    let runs = given.map(|given| given.declaration.declared().runs.get());
    DeclaredVerdict {
        level: Some(level),
        report: Some(report),
        runs: runs.filter(|_| is_followed),
    }
}

impl DeclaredVerdict {
    /// Says in NOT SHOWN what a declaration changes, and no more.
    pub(crate) fn change(&self, not_shown: &mut Vec<String>) {
        let Some(runs) = self.runs else { return };
        let at = not_shown.iter().position(|line| line == DISCARDED_RUNS);
        if let Some(line) = at.and_then(|at| not_shown.get_mut(at)) {
            let planned = match runs {
                1 => "1 run was declared before genesis, which may be this one".to_owned(),
                runs => format!("{runs} runs were declared before genesis, and this may be one"),
            };
            *line = format!(
                "{DISCARDED_RUNS}: {planned}; that there were no more, and no other declaration, is not shown"
            );
        }
        let words = "whether metric and stopping rule are those declared: a chain has neither";
        not_shown.push(words.into());
    }
}

/// The given declaration, if it is the one that genesis names. If not, the verdict.
fn same(
    named: Result<Option<FileDigest>, Unusable>,
    given: Option<&GivenDeclaration>,
) -> Result<&Declaration, (Verdict, String)> {
    match (named, given.map(|given| &given.declaration)) {
        (Err(why), _) => Err((
            Verdict::NotChecked,
            format!("the extension of genesis that names a declaration is unusable: {why}"),
        )),
        (Ok(None), None) => Err((
            Verdict::NotChecked,
            "genesis names no declaration, and none was given".into(),
        )),
        (Ok(None), Some(_)) => Err((
            Verdict::Fails,
            "NOT DECLARED: genesis names no declaration, so this one may be younger".into(),
        )),
        (Ok(Some(named)), None) => Err((
            Verdict::NotChecked,
            format!("genesis names the declaration {named}, which was not given (--declaration)"),
        )),
        (Ok(Some(named)), Some(declaration)) if declaration.digest() == named => Ok(declaration),
        (Ok(Some(named)), Some(declaration)) => Err((
            Verdict::Fails,
            format!(
                "ANOTHER DECLARATION: genesis names {named}, the one given is {}",
                declaration.digest()
            ),
        )),
    }
}

/// Which of the named keys signed the declaration, and what is said about other signatures.
fn signers(given: &GivenDeclaration, revoked: &[SignerKey]) -> (Vec<DeclaringKey>, Vec<String>) {
    let mut right: Vec<&SignerKey> = Vec::new();
    let mut unused = Vec::new();
    for signature in &given.signatures {
        let by = signature.made_by();
        let named = given.declared_by.iter().find(|key| signature.claims(key));
        let Some(key) = named else {
            let words = "you did not name it (--declared-by)";
            unused.push(format!("a signature by {by} does not count: {words}"));
            continue;
        };
        if revoked.contains(key) {
            let words = "you call it revoked (--revoked)";
            unused.push(format!("a signature by {by} does not count: {words}"));
            continue;
        }
        match signature.check_declaration(key, &given.declaration) {
            Ok(()) => right.push(key),
            Err(error) => {
                unused.push(format!("a signature by {by} does not count: {error}"));
            }
        }
    }
    let keys = given.declared_by.iter().map(|key| DeclaringKey {
        key: key.to_string(),
        signed: right.contains(&key),
    });
    (keys.collect(), unused)
}

/// The verdict on fields that were compared.
fn fields_level(report: &DeclaredReport, given: Option<&GivenDeclaration>) -> LevelReport {
    let in_state = |state| {
        report
            .fields
            .iter()
            .filter(move |field| field.state == state)
    };
    let count = |state| in_state(state).count();
    let missing = report.declared_by.iter().find(|key| !key.signed);
    let (agree, differ) = (count(FieldState::Agrees), count(FieldState::Differs));
    let (verdict, line) = match (missing, in_state(FieldState::Differs).next()) {
        (_, Some(field)) => (
            Verdict::Fails,
            format!("NOT AS DECLARED: {}: {}", field.name, field.line),
        ),
        (Some(key), None) => (
            Verdict::Fails,
            format!("NOT SIGNED by {}, as far as you gave signatures", key.key),
        ),
        (None, None) if agree > 0 && count(FieldState::NotSaid) == 0 => (
            Verdict::Holds,
            "declared before genesis, and as declared in each field that a chain shows".into(),
        ),
        (None, None) if agree > 0 => (
            Verdict::Partly,
            "declared before genesis; a part of what a chain could show is not there".into(),
        ),
        (None, None) => (
            Verdict::Partly,
            "declared before genesis; nothing of it can be compared with this chain".into(),
        ),
    };
    let mut level = LevelReport::new(Level::Declared, verdict, line);
    for state in [
        FieldState::Differs,
        FieldState::Agrees,
        FieldState::NotSaid,
        FieldState::NotCheckable,
    ] {
        // The first line has the first difference.
        let skipped = usize::from(state == FieldState::Differs && differ > 0);
        for field in in_state(state).skip(skipped) {
            level = level.line(format!("{}: {}", field.name, field.line));
        }
    }
    for key in &report.declared_by {
        let words = match key.signed {
            true => "signed by",
            false => "NOT SIGNED by",
        };
        level = level.line(format!("{words} {}", key.key));
    }
    match given {
        Some(given) if given.declared_by.is_empty() => level.line(
            "who declared it is not checked (--declared-by)",
        ),
        Some(_) => level.line(
            "a signature has no date, and whoever has a declaration can name it: who stands for the run, SIGNATURE says",
        ),
        None => level,
    }
}

/// Compares what was declared with what was done.
fn compare(declared: &Declared, done: &Done<'_>) -> Vec<DeclaredField> {
    let genesis = done.genesis;
    let code = &genesis.code;
    let revision = declared.revision.as_ref().map(|text| text.as_str());
    let mut fields = Vec::new();
    fields.extend(equal("data", declared.data, genesis.dataset));
    fields.extend(equal("config", declared.config, Some(genesis.config)));
    fields.extend(equal("executable", declared.executable, code.executable));
    fields.extend(equal("lockfile", declared.lockfile, code.lockfile));
    fields.extend(equal("revision", revision, code.revision.as_deref()));
    fields.extend(seed(&declared.seeds, genesis.seed));
    fields.extend(steps(declared.steps, done));
    let no_chain_shows = [
        (
            "runs",
            format!("{} planned, and a chain shows one", declared.runs),
        ),
        ("metric", declared.metric.to_string()),
        ("stopping", declared.stopping.to_string()),
    ];
    for (name, value) in no_chain_shows {
        fields.push(DeclaredField {
            name,
            state: FieldState::NotCheckable,
            line: format!("not checkable: {value}"),
        });
    }
    fields
}

fn equal<T: Display + PartialEq>(
    name: &'static str,
    declared: Option<T>,
    done: Option<T>,
) -> Option<DeclaredField> {
    let declared = declared?;
    let (state, line) = match done {
        Some(done) if done == declared => (FieldState::Agrees, format!("agrees: {done}")),
        Some(done) => (
            FieldState::Differs,
            format!("DIFFERS: {declared} was declared, genesis says {done}"),
        ),
        None => (
            FieldState::NotSaid,
            format!("not checkable: {declared} was declared, genesis says nothing"),
        ),
    };
    Some(DeclaredField { name, state, line })
}

fn seed(declared: &[u64], done: u64) -> Option<DeclaredField> {
    if declared.is_empty() {
        return None;
    }
    let all: Vec<String> = declared.iter().map(u64::to_string).collect();
    let all = all.join(", ");
    let (state, line) = match declared.contains(&done) {
        true => (FieldState::Agrees, format!("agrees: {done}, of {all}")),
        false => (
            FieldState::Differs,
            format!("DIFFERS: {all} were declared, genesis says {done}"),
        ),
    };
    Some(DeclaredField {
        name: "seeds",
        state,
        line,
    })
}

fn steps(declared: Option<u64>, done: &Done<'_>) -> Option<DeclaredField> {
    let declared = declared?;
    let planned = done.genesis.schedule.planned;
    let (state, line) = match (done.end, planned) {
        (Some(end), _) if end.steps.0 == declared => {
            (FieldState::Agrees, format!("agrees: {declared}"))
        }
        (Some(end), _) => (
            FieldState::Differs,
            format!(
                "DIFFERS: {declared} were declared, the run {} after {}",
                end.ending.name(),
                end.steps
            ),
        ),
        (None, Some(planned)) if planned != declared => (
            FieldState::Differs,
            format!("DIFFERS: {declared} were declared, genesis plans {planned}"),
        ),
        (None, _) => (
            FieldState::NotSaid,
            format!("not checkable: {declared} were declared, and there is no final block"),
        ),
    };
    Some(DeclaredField {
        name: "steps",
        state,
        line,
    })
}
