//! Every shader is plain WGSL, and translates to what Vulkan, Metal and
//! DirectX take; with naga, as wgpu does it.

use crate::requirements::Test;
use naga::back::{PipelineConstants, hlsl, msl, pipeline_constants::process_overrides, spv};
use naga::valid::{Capabilities, ModuleInfo, ValidationFlags, Validator};
use naga::{Module, ResourceBinding, ShaderStage};
use pow_kernels::tree::{
    CHUNKS_ENTRY, GATHER_ENTRY, GATHER_WGSL, JOIN_ENTRY, JOIN_WGSL, MESSAGES_ENTRY, MESSAGES_WGSL,
    READ_BINDING, TREE_PARAMS_BINDING, WRITTEN_BINDING, chunks_wgsl,
};
use pow_kernels::{
    LOOP_WGSL, PARAMS_BINDING, RESULTS_BINDING, SEARCH_ENTRY, TRACED_WGSL, WORKGROUP_SIZE_CONSTANT,
};
use std::path::{Path, PathBuf};

/// What a shader is translated to, and the check.
type Target = (&'static str, fn(&Shader));

/// A shader, as wgpu is given it.
struct Source {
    name: &'static str,
    wgsl: String,
    entry: &'static str,
    /// The buffer that it writes.
    written: u32,
    /// The buffers that it only reads.
    read: Vec<u32>,
}

fn sources() -> Vec<Source> {
    let search = |name, wgsl: &str| Source {
        name,
        wgsl: wgsl.into(),
        entry: SEARCH_ENTRY,
        written: RESULTS_BINDING,
        read: vec![PARAMS_BINDING],
    };
    let tree = |name, wgsl: &str, entry, reads: u32| Source {
        name,
        wgsl: wgsl.into(),
        entry,
        written: WRITTEN_BINDING,
        read: [TREE_PARAMS_BINDING]
            .into_iter()
            .chain(READ_BINDING..READ_BINDING + reads)
            .collect(),
    };
    vec![
        search("loop_form", LOOP_WGSL),
        search("traced", TRACED_WGSL),
        tree("chunks", &chunks_wgsl(1), CHUNKS_ENTRY, 2),
        tree("chunks_of_six", &chunks_wgsl(6), CHUNKS_ENTRY, 7),
        tree("messages", MESSAGES_WGSL, MESSAGES_ENTRY, 2),
        tree("join", JOIN_WGSL, JOIN_ENTRY, 1),
        tree("gather", GATHER_WGSL, GATHER_ENTRY, 1),
    ]
}

pub fn tests() -> Vec<Test> {
    let mut tests = vec![Test::new(
        "shaders/all_files_are_covered",
        all_files_are_covered,
    )];
    let targets: [Target; 3] = [("spir_v", to_spir_v), ("msl", to_msl), ("hlsl", to_hlsl)];
    for (index, source) in sources().iter().enumerate() {
        tests.extend(targets.map(|(target, check)| {
            Test::new(format!("shaders/{}_to_{target}", source.name), move || {
                check(&Shader::new(&sources()[index]));
            })
        }));
    }
    tests
}

/// Every WGSL file is part of a shader that is translated here.
fn all_files_are_covered() {
    let sources = sources();
    let files = wgsl_files(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../shaders/src"));
    for path in &files {
        let text = std::fs::read_to_string(path).unwrap();
        let covered = sources.iter().any(|source| source.wgsl.contains(&text));
        assert!(covered, "{}", path.display());
    }
    assert!(files.len() > 8);
}

fn wgsl_files(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files.extend(wgsl_files(&path));
        } else if path.extension().is_some_and(|ending| ending == "wgsl") {
            files.push(path);
        }
    }
    files
}

/// A shader that was found valid without any capability that is not in every
/// WebGPU implementation, with its constants put in.
struct Shader {
    module: Module,
    info: ModuleInfo,
    entry: &'static str,
    /// Its buffers, and whether it writes them.
    buffers: Vec<(u32, bool)>,
}

impl Shader {
    fn new(shader: &Source) -> Self {
        let source = shader.wgsl.as_str();
        let module = naga::front::wgsl::parse_str(source)
            .unwrap_or_else(|error| panic!("{}", error.emit_to_string(source)));
        let info = Validator::new(ValidationFlags::all(), Capabilities::empty())
            .validate(&module)
            .unwrap_or_else(|error| panic!("{}", error.emit_to_string(source)));
        let mut constants = PipelineConstants::default();
        if source.contains("override ") {
            constants.insert(WORKGROUP_SIZE_CONSTANT.into(), 64.0);
        }
        let entry = Some((ShaderStage::Compute, shader.entry));
        // This validates once more.
        let (module, info) = process_overrides(&module, &info, entry, &constants).unwrap();
        let (module, info) = (module.into_owned(), info.into_owned());
        assert_eq!(module.entry_points.len(), 1);
        assert_eq!(module.entry_points[0].workgroup_size, [64, 1, 1]);
        let read = shader.read.iter().map(|binding| (*binding, false));
        Shader {
            module,
            info,
            entry: shader.entry,
            buffers: read.chain([(shader.written, true)]).collect(),
        }
    }
}

fn to_spir_v(shader: &Shader) {
    let pipeline = spv::PipelineOptions {
        shader_stage: ShaderStage::Compute,
        entry_point: shader.entry.into(),
    };
    let options = spv::Options {
        lang_version: (1, 0),
        ..spv::Options::default()
    };
    let words = spv::write_vec(&shader.module, &shader.info, &options, Some(&pipeline)).unwrap();
    // The magic number, and the version as 0 | major | minor | 0.
    assert_eq!(words[..2], [0x0723_0203, 0x0001_0000]);
}

fn to_msl(shader: &Shader) {
    let buffer = |slot, mutable| msl::BindTarget {
        buffer: Some(slot),
        mutable,
        ..msl::BindTarget::default()
    };
    let resources = msl::EntryPointResources {
        resources: (shader.buffers.iter())
            .map(|(slot, mutable)| (binding(*slot), buffer(*slot as u8, *mutable)))
            .collect(),
        sizes_buffer: Some(shader.buffers.len() as u8),
        ..msl::EntryPointResources::default()
    };
    let options = msl::Options {
        fake_missing_bindings: false,
        per_entry_point_map: [(shader.entry.into(), resources)].into(),
        ..msl::Options::default()
    };
    let pipeline = msl::PipelineOptions::default();
    let (text, reflection) =
        msl::write_string(&shader.module, &shader.info, &options, &pipeline).unwrap();
    assert_eq!(reflection.entry_point_names, [Ok(shader.entry.to_owned())]);
    let kernel = format!("kernel void {}(", shader.entry);
    assert!(text.contains(&kernel), "{text}");
}

fn to_hlsl(shader: &Shader) {
    let register = |register| hlsl::BindTarget {
        register,
        ..hlsl::BindTarget::default()
    };
    // The model of the old compiler, which wgpu takes where there is no other.
    let options = hlsl::Options {
        shader_model: hlsl::ShaderModel::V5_1,
        fake_missing_bindings: false,
        binding_map: (shader.buffers.iter())
            .map(|(slot, _)| (binding(*slot), register(*slot)))
            .collect(),
        special_constants_binding: Some(register(shader.buffers.len() as u32)),
        ..hlsl::Options::default()
    };
    let pipeline = hlsl::PipelineOptions::default();
    let mut text = String::new();
    let reflection = hlsl::Writer::new(&mut text, &options, &pipeline)
        .write(&shader.module, &shader.info, None)
        .unwrap();
    let names: Vec<_> = reflection
        .entry_point_names
        .into_iter()
        .map(Result::unwrap)
        .collect();
    assert_eq!(names, [shader.entry]);
    assert!(
        text.contains(&format!("[numthreads(64, 1, 1)]\nvoid {}(", shader.entry)),
        "{text}"
    );
}

fn binding(binding: u32) -> ResourceBinding {
    ResourceBinding { group: 0, binding }
}
