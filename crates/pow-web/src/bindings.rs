//! What the page's worker calls, and what it must offer: an object `host` with the functions
//! `read` and `progress`. Everything else is text in JSON.

use crate::document::{FileKind, check, kind_of, summarize};
use crate::host::{FileId, Host, HostFile};
use crate::request::VerifyRequest;
use crate::session::Session;
use serde::Serialize;
use std::io::{Error, Result};
use wasm_bindgen::prelude::*;

#[wasm_bindgen(js_namespace = host)]
extern "C" {
    #[wasm_bindgen(catch)]
    fn read(file: u32, offset: f64, len: u32) -> std::result::Result<Vec<u8>, JsValue>;
    fn progress(bytes: f64, blocks: f64);
    fn panicked(message: &str);
}

/// The files that the worker has.
#[derive(Clone, Copy, Debug)]
struct Worker;

impl Host for Worker {
    fn read(&self, file: FileId, offset: u64, len: u32) -> Result<Vec<u8>> {
        // A page has no file of more than 2^53 bytes.
        read(file.0, offset as f64, len)
            .map_err(|error| Error::other(error.as_string().unwrap_or_default()))
    }
}

/// Bytes of the chain between two calls of `progress`.
const PROGRESS: u64 = 1 << 20;

/// The verifier, and the run that it checked last.
#[wasm_bindgen]
#[derive(Debug, Default)]
pub struct Explorer {
    session: Option<Session<Worker>>,
}

#[wasm_bindgen]
impl Explorer {
    /// A verifier without a run. If it ever panics, `host.panicked` gets the message.
    #[wasm_bindgen(constructor)]
    pub fn new() -> Self {
        std::panic::set_hook(Box::new(|panic| panicked(&panic.to_string())));
        Self::default()
    }

    /// Checks a run. Takes a [`VerifyRequest`], and gives what the page shows first.
    pub fn verify(&mut self, request: &str) -> String {
        self.session = None;
        let request: VerifyRequest = match serde_json::from_str(request) {
            Ok(request) => request,
            Err(error) => return failed(error),
        };
        let mut next = PROGRESS;
        let mut tell = |at: pow_audit::walk::WalkProgress| {
            if at.bytes >= next {
                next = at.bytes + PROGRESS;
                progress(at.bytes as f64, at.blocks as f64);
            }
        };
        match Session::verify(&Worker, &request, &mut tell) {
            Ok((session, checked)) => {
                self.session = Some(session);
                done(&checked)
            }
            Err(error) => failed(error),
        }
    }

    /// Blocks of the run from a height on.
    pub fn rows(&self, from: f64, count: f64) -> String {
        self.ask(|session| session.rows(from as u64, count as u64))
    }

    /// A block with all its fields.
    pub fn block(&self, height: f64, entries_from: u32) -> String {
        self.ask(|session| session.block(height as u64, entries_from as usize))
    }

    /// The places in the chain that fit a text.
    pub fn search(&self, query: &str) -> String {
        self.ask(|session| session.search(query))
    }

    fn ask<T: Serialize, E: std::fmt::Display>(
        &self,
        ask: impl FnOnce(&Session<Worker>) -> std::result::Result<T, E>,
    ) -> String {
        match self.session.as_ref().map(ask) {
            Some(Ok(answer)) => done(&answer),
            Some(Err(error)) => failed(error),
            None => failed("no run was checked yet"),
        }
    }
}

/// Says what a file is, and what it shows by itself: the verdict on a receipt or a proof, or
/// what a replay report says.
#[wasm_bindgen]
pub fn look_at(file: u32, len: f64, genesis: &str, head: &str) -> String {
    /// The longest replay report that is read.
    const LIMIT: usize = 1 << 28;
    #[derive(Serialize)]
    struct Document {
        kind: FileKind,
        shown: serde_json::Value,
        text: String,
    }
    let file = HostFile {
        id: FileId(file),
        len: len as u64,
    };
    let mut bytes = match Worker.read(file.id, 0, file.len.min(8) as u32) {
        Ok(bytes) => bytes,
        Err(error) => return failed(error),
    };
    let mut kind = kind_of(&bytes);
    if kind != FileKind::Chain {
        bytes = match file.read_all(&Worker, LIMIT) {
            Ok(bytes) => bytes,
            Err(error) => return failed(error),
        };
        kind = kind_of(&bytes);
    }
    let text = match kind {
        FileKind::Receipt | FileKind::Proof => {
            check(&bytes, genesis, head).map_err(|error| error.to_string())
        }
        FileKind::ReplayReport => summarize(&bytes)
            .map(|summary| crate::document::pretty(&summary))
            .map_err(|error| error.to_string()),
        FileKind::Chain | FileKind::Other => Ok(String::new()),
    };
    match text {
        Ok(text) => done(&Document {
            kind,
            shown: crate::document::shown(&text),
            text,
        }),
        Err(error) => failed(error),
    }
}

#[derive(Serialize)]
#[serde(rename_all = "snake_case")]
enum Answer<'a, T> {
    Done(&'a T),
    Failed(String),
}

fn done(answer: &impl Serialize) -> String {
    serde_json::to_string(&Answer::Done(answer)).unwrap_or_default()
}

fn failed(error: impl std::fmt::Display) -> String {
    let error = pow_audit::display::printable(&error.to_string());
    serde_json::to_string(&Answer::<()>::Failed(error)).unwrap_or_default()
}
