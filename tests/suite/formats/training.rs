//! The in-toto Statement about a run says what the run says, and nothing else passes for it.

use pow_audit::envelope::{
    Form, Payload, SignedStatement, TRAINING, TrainingError, check_training, training_payload,
};
use pow_audit::source::RunSource;
use pow_core::hash::PlainSha2;
use pow_ledger::RunDir;
use pow_tests::envelopes::{key, signed};
use pow_tests::fixture::{Fixture, Plan};
use serde_json::Value;
use sha2::{Digest, Sha256};

tests! {
    a_finished_run_gets_a_statement, a_run_without_an_end_gets_none,
        a_run_with_another_model_gets_none, a_damaged_chain_gets_none,
        each_field_is_compared_with_the_run, what_is_added_is_found, another_run_is_not_this_one,
        a_statement_of_another_kind_is_named
}

fn payload(run: &dyn RunSource) -> Result<Payload, TrainingError> {
    training_payload(run, &PlainSha2, &mut |_| {})
}

fn check(run: &RunDir, statement: &Payload) -> Result<(), TrainingError> {
    check_training(run, statement, &PlainSha2, &mut |_| {})
}

fn a_finished_run_gets_a_statement() {
    let run = Fixture::default();
    let statement = payload(&run.run).unwrap();
    let value: Value = serde_json::from_slice(statement.bytes()).unwrap();
    let model = std::fs::read(run.run.artifact()).unwrap();
    let digest: String = Sha256::digest(&model)
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    let report = pow_audit::audit(&run.run, &Default::default(), &mut |_| {}).unwrap();
    let chain = report.chain.unwrap();

    assert_eq!(value["_type"], "https://in-toto.io/Statement/v1");
    assert_eq!(value["predicateType"], TRAINING);
    assert_eq!(value["subject"][0]["name"], "model.safetensors");
    assert_eq!(value["subject"][0]["digest"]["sha256"], digest);
    let predicate = &value["predicate"];
    assert_eq!(predicate["chain"]["genesis"], chain.genesis.to_string());
    assert_eq!(predicate["chain"]["head"], chain.head.to_string());
    assert_eq!(predicate["training"]["steps"], 6);
    assert_eq!(predicate["training"]["ending"], "completed");

    assert!(statement.is_about(Sha256::digest(&model).into()));
    assert!(!statement.is_about([0; 32]));
    for form in [Form::Envelope, Form::Bundle] {
        let text = signed(1, &statement, form);
        let read = SignedStatement::from_json(text.as_bytes()).unwrap();
        assert_eq!(read.form(), form);
        check(&run.run, read.signed_by(&key(1)).unwrap()).unwrap();
    }
}

fn a_run_without_an_end_gets_none() {
    let run = Fixture::record_with(&Plan::default(), |_| {}, |recorder| recorder.steps(&[0, 1]));
    let refused = payload(&run.run).unwrap_err();
    assert!(matches!(refused, TrainingError::Unfinished), "{refused}");
    assert!(!refused.is_verdict());
}

fn a_run_with_another_model_gets_none() {
    let (run, other) = (Fixture::default(), Fixture::other());
    std::fs::copy(other.run.artifact(), run.run.artifact()).unwrap();
    let refused = payload(&run.run).unwrap_err();
    assert!(
        matches!(refused, TrainingError::Artifact { .. }),
        "{refused}"
    );
    assert!(refused.is_verdict());
    std::fs::remove_file(run.run.artifact()).unwrap();
    let refused = payload(&run.run).unwrap_err();
    assert!(matches!(refused, TrainingError::Model(_)), "{refused}");
    assert!(refused.is_verdict());
    std::fs::remove_file(run.run.chain()).unwrap();
    let refused = payload(&run.run).unwrap_err();
    assert!(matches!(refused, TrainingError::Ledger(_)), "{refused}");
    assert!(!refused.is_verdict());
}

fn a_damaged_chain_gets_none() {
    let run = Fixture::default();
    let mut file = run.file();
    file.records[3].body[40] ^= 1;
    run.write(file.to_bytes());
    let refused = payload(&run.run).unwrap_err();
    assert!(
        refused.to_string().contains("the chain does not hold: "),
        "{refused}"
    );
    assert!(refused.is_verdict());
}

/// The same statement with another value at a place.
fn changed(statement: &Payload, place: &str, to: Value) -> Payload {
    let mut value: Value = serde_json::from_slice(statement.bytes()).unwrap();
    *value.pointer_mut(place).unwrap() = to;
    Payload::parse(value.to_string().as_bytes()).unwrap()
}

/// The places of all values that are not made of others.
fn leaves(value: &Value, at: String, out: &mut Vec<String>) {
    match value {
        Value::Object(fields) => {
            for (name, value) in fields {
                leaves(value, format!("{at}/{name}"), out);
            }
        }
        Value::Array(items) => {
            for (n, value) in items.iter().enumerate() {
                leaves(value, format!("{at}/{n}"), out);
            }
        }
        _ => out.push(at),
    }
}

fn each_field_is_compared_with_the_run() {
    let run = Fixture::default();
    let statement = payload(&run.run).unwrap();
    let value: Value = serde_json::from_slice(statement.bytes()).unwrap();
    let mut places = Vec::new();
    leaves(&value["predicate"], "/predicate".into(), &mut places);
    leaves(&value["subject"], "/subject".into(), &mut places);
    assert!(places.len() > 20, "{places:?}");
    for place in places {
        let to = match value.pointer(&place).unwrap() {
            Value::String(text) => format!("{text}0").into(),
            Value::Number(number) => (number.as_u64().unwrap() + 1).into(),
            other => panic!("{place}: {other}"),
        };
        let refused = check(&run.run, &changed(&statement, &place, to)).unwrap_err();
        let name = place[1..].replace('/', ".");
        assert!(
            refused
                .to_string()
                .starts_with(&format!("DIFFERENT: the statement says {name} ")),
            "{place}: {refused}"
        );
        assert!(refused.is_verdict());
    }
}

fn what_is_added_is_found() {
    let run = Fixture::default();
    let statement = payload(&run.run).unwrap();
    let mut value: Value = serde_json::from_slice(statement.bytes()).unwrap();
    value["predicate"]["training"]["accuracy"] = "99 %".into();
    let more = Payload::parse(value.to_string().as_bytes()).unwrap();
    let refused = check(&run.run, &more).unwrap_err().to_string();
    assert_eq!(
        refused,
        "DIFFERENT: the statement says predicate.training.accuracy \"99 %\", and the run null"
    );
    let mut value: Value = serde_json::from_slice(statement.bytes()).unwrap();
    let second = value["subject"][0].clone();
    value["subject"].as_array_mut().unwrap().push(second);
    let more = Payload::parse(value.to_string().as_bytes()).unwrap();
    let refused = check(&run.run, &more).unwrap_err().to_string();
    assert!(
        refused.contains("the statement says subject.1 "),
        "{refused}"
    );
}

fn another_run_is_not_this_one() {
    let statement = payload(&Fixture::other().run).unwrap();
    let refused = check(&Fixture::default().run, &statement).unwrap_err();
    assert!(refused.to_string().starts_with("DIFFERENT: "), "{refused}");
}

fn a_statement_of_another_kind_is_named() {
    let run = Fixture::default();
    let statement = payload(&run.run).unwrap();
    let slsa = "https://slsa.dev/provenance/v1";
    let other = changed(&statement, "/predicateType", slsa.into());
    let refused = check(&run.run, &other).unwrap_err().to_string();
    assert_eq!(
        refused,
        format!("a statement of the kind {slsa:?}; expected {TRAINING:?}")
    );
}
