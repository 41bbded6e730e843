//! Replay reports: one byte string each.

use super::memory::metered;
use crate::fixture::Plan;
use crate::long_run::{LongRun, goal};
use pow_audit::replay::{Amount, ReplayReport, SegmentResult, Shard, merge};
use pow_core::challenge::{ChallengeSource, ChallengeValue};
use std::sync::Arc;

/// The JSON of a replay report: written as read. A whole report, merged alone,
/// stays as it is.
pub fn report(data: &[u8]) {
    if let Ok(report) = metered(data.len(), || ReplayReport::from_json(data)) {
        assert_eq!(report.to_json().unwrap().as_bytes(), data);
        if report.shard() == Shard::WHOLE {
            assert_eq!(merge([report.clone()]), Ok(report));
        }
    }
}

/// Reports with every outcome, with and without a goal, whole and in part.
pub(super) fn seeds() -> Vec<String> {
    let run = LongRun::record(9);
    let exact = run.challenge(ChallengeSource::Head, goal());
    let value = ChallengeValue::new(b"dice".to_vec()).unwrap();
    let beacon = run.challenge(ChallengeSource::Beacon(value), Amount::All);
    let strange = |result: &mut SegmentResult| {
        if result.segment.index.0 > 4 {
            let machine = Arc::make_mut(&mut result.machine);
            machine.executable = None;
            machine.environment.cpu = "\"other\"\n\u{1}\u{7f}\\é".into();
        }
    };
    let all = |run: &LongRun| {
        let challenge = run.challenge(ChallengeSource::Head, Amount::All);
        run.exact(&challenge, Shard::WHOLE)
    };
    let open = Plan {
        planned: None,
        ..Plan::default()
    };
    let reports = [
        run.varied(Shard::WHOLE),
        run.exact(&exact, Shard::new(2, 3).unwrap()),
        run.report(&beacon, Shard::WHOLE, strange).unwrap(),
        all(&LongRun::record(0)),
        all(&LongRun::record_plan(open, 4, |_| {})),
    ];
    let checked = reports.map(|report| {
        let json = report.to_json().unwrap();
        assert_eq!(ReplayReport::from_json(json.as_bytes()).unwrap(), report);
        json
    });
    checked.into()
}
