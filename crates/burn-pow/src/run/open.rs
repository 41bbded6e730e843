//! Opening a run.

use super::{Action, PowRun};
use crate::config::PowConfig;
use crate::error::PowError;
use crate::pipeline::observer::Observer;
use crate::pipeline::status::Status;
use crate::pipeline::threads;
use crate::recorder::Recorder;
use crate::replay::checker::Checker;
use crate::replay::segment::SegmentReplay;
use crate::resume::directory::OpenRun;
use crate::resume::origin;
use pow_core::search::Engine;
use pow_ledger::RunDir;
use pow_mine::{Selected, select};
use std::sync::Arc;

/// Creates or opens a run's directory.
pub(super) type OpenDirectory = fn(&RunDir, &mut PowConfig) -> Result<OpenRun, PowError>;

impl PowRun {
    /// Opens the run: the engine, the directory and the threads. The chain itself
    /// starts with the first optimizer step, when model and optimizer are known.
    ///
    /// A run that is resumed is verified first. If its writer was killed while it
    /// appended a block, the incomplete record is moved out of the chain file
    /// ([`Resumed::torn`](crate::Resumed::torn)).
    ///
    /// # Errors
    ///
    /// [`PowError`] if a setting is refused, the engine does not exist, or the
    /// directory exists or cannot be created; [`PowError::Resume`] if the run cannot
    /// be resumed; [`PowError::Ledger`] if another process writes to it.
    pub fn open(action: Action, config: PowConfig) -> Result<Self, PowError> {
        Self::open_by(action, config, |config| {
            Ok(select(config.engine, config.cpu_share())?)
        })
    }

    /// The same as [`open`](Self::open), with the program's own engine. It replaces
    /// the engine of [`PowConfig::engine`] and [`PowConfig::mining_threads`]. For
    /// instance, an engine can mine on the GPU that trains, through the wgpu device
    /// that Burn has opened.
    ///
    /// ```no_run
    /// use burn_pow::{Action, PowConfig, PowError, PowRun};
    /// # fn program(engine: impl pow_core::search::Engine + 'static) -> Result<(), PowError> {
    /// // engine is pow_gpu::GpuEngine::with_device(setup.device, setup.queue, settings)?, and
    /// // setup comes from Burn's Device::wgpu_options().init_with_setup().
    /// let run = PowRun::open_with_engine(
    ///     Action::Create,
    ///     PowConfig::new("runs/mine"),
    ///     Box::new(engine),
    /// )?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// The same as [`open`](Self::open).
    pub fn open_with_engine(
        action: Action,
        config: PowConfig,
        engine: Box<dyn Engine>,
    ) -> Result<Self, PowError> {
        Self::open_by(action, config, |_| {
            let note = format!("mining with {}, which the program opened", engine.name());
            Ok(Selected { engine, note })
        })
    }

    /// Opens the engine only if something is to be mined.
    fn open_by(
        action: Action,
        config: PowConfig,
        engine: impl FnOnce(&PowConfig) -> Result<Selected, PowError>,
    ) -> Result<Self, PowError> {
        config.check()?;
        let open: OpenDirectory = match action {
            Action::Create => OpenRun::create,
            Action::Resume => OpenRun::resume,
            Action::CreateOrResume => OpenRun::create_or_resume,
            Action::Replay(segment) => return Self::open_replay(segment, config),
        };
        #[cfg(feature = "portable")]
        crate::genesis::portable::Portability::of_this_program().warn();
        let selected = engine(&config)?;
        Self::open_selected(open, config, selected)
    }

    pub(super) fn open_selected(
        open: OpenDirectory,
        mut config: PowConfig,
        selected: Selected,
    ) -> Result<Self, PowError> {
        let dir = RunDir::new(config.dir());
        let opened = open(&dir, &mut config)?;
        Self::begin(config, dir, opened, selected)
    }

    /// Starts the threads over an open directory.
    pub(super) fn begin(
        config: PowConfig,
        dir: RunDir,
        opened: OpenRun,
        selected: Selected,
    ) -> Result<Self, PowError> {
        let OpenRun {
            files,
            chain,
            point,
            resumed,
        } = opened;
        let asked = config.origin.as_ref().filter(|_| point.is_none());
        let taken = match asked.map(origin::take).transpose() {
            Ok(taken) => taken,
            Err(error) => {
                drop((files, chain));
                // If the directory cannot be removed, it stays.
                let _ = dir.remove_unused();
                return Err(error);
            }
        };
        let status = Arc::new(Status::default());
        if let Some(point) = &point {
            status.add_keys(point.keys.clone());
        }
        let observer = Observer::default();
        let (outbox, threads) = threads::start(
            &config,
            (files, chain),
            selected.engine,
            &status,
            &observer,
            point.as_ref(),
        )?;
        let recorder = Recorder::new(config, status.clone(), outbox, point, None);
        let recorder = match taken {
            Some(taken) => recorder.going_on_from(taken),
            None => recorder,
        };
        Ok(PowRun {
            recorder: Arc::new(recorder),
            dir,
            engine: selected.note,
            status,
            threads,
            resumed,
            observer,
        })
    }

    fn open_replay(segment: SegmentReplay, mut config: PowConfig) -> Result<Self, PowError> {
        segment.settle(&mut config)?;
        let point = segment.resume_point()?;
        let status = Arc::new(Status::default());
        status.add_keys(point.keys.clone());
        let observer = Observer::default();
        let (outbox, thread) = Checker::start(&segment, &point, &config, &status, &observer)?;
        let dir = segment.dir().clone();
        let recorder = Recorder::new(config, status.clone(), outbox, Some(point), Some(segment));
        Ok(PowRun {
            recorder: Arc::new(recorder),
            dir,
            engine: "replaying: nothing is mined".into(),
            status,
            threads: vec![thread],
            resumed: None,
            observer,
        })
    }
}
