//! Every shader is plain WGSL, and translates to what Vulkan, Metal and
//! DirectX take; with naga, as wgpu does it.

use crate::requirements::Test;
use naga::back::{PipelineConstants, hlsl, msl, pipeline_constants::process_overrides, spv};
use naga::valid::{Capabilities, ModuleInfo, ValidationFlags, Validator};
use naga::{Module, ResourceBinding, ShaderStage};
use pow_kernels::{
    LOOP_WGSL, PARAMS_BINDING, RESULTS_BINDING, SEARCH_ENTRY, TRACED_WGSL, WORKGROUP_SIZE_CONSTANT,
};
use std::path::Path;

/// What a shader is translated to, and the check.
type Target = (&'static str, fn(&Shader));

/// The shaders, as wgpu is given them.
const SHADERS: [(&str, &str); 2] = [("loop_form", LOOP_WGSL), ("traced", TRACED_WGSL)];

pub fn tests() -> Vec<Test> {
    let mut tests = vec![Test::new(
        "shaders/all_files_are_covered",
        all_files_are_covered,
    )];
    for (name, source) in SHADERS {
        let targets: [Target; 3] = [("spir_v", to_spir_v), ("msl", to_msl), ("hlsl", to_hlsl)];
        tests.extend(targets.map(|(target, check)| {
            Test::new(format!("shaders/{name}_to_{target}"), move || {
                check(&Shader::new(source));
            })
        }));
    }
    tests
}

/// Every WGSL file is part of a shader that is translated here.
fn all_files_are_covered() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shaders/src");
    let mut files = 0;
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path
            .extension()
            .is_some_and(|extension| extension == "wgsl")
        {
            let text = std::fs::read_to_string(&path).unwrap();
            let covered = SHADERS.iter().any(|(_, source)| source.contains(&text));
            assert!(covered, "{}", path.display());
            files += 1;
        }
    }
    assert!(files > 0);
}

/// A shader that was found valid without any capability that is not in every
/// WebGPU implementation, with its constants put in.
struct Shader {
    module: Module,
    info: ModuleInfo,
}

impl Shader {
    fn new(source: &str) -> Self {
        let module = naga::front::wgsl::parse_str(source)
            .unwrap_or_else(|error| panic!("{}", error.emit_to_string(source)));
        let info = Validator::new(ValidationFlags::all(), Capabilities::empty())
            .validate(&module)
            .unwrap_or_else(|error| panic!("{}", error.emit_to_string(source)));
        let mut constants = PipelineConstants::default();
        constants.insert(WORKGROUP_SIZE_CONSTANT.into(), 64.0);
        let entry = Some((ShaderStage::Compute, SEARCH_ENTRY));
        // This validates once more.
        let (module, info) = process_overrides(&module, &info, entry, &constants).unwrap();
        let (module, info) = (module.into_owned(), info.into_owned());
        assert_eq!(module.entry_points.len(), 1);
        assert_eq!(module.entry_points[0].workgroup_size, [64, 1, 1]);
        Shader { module, info }
    }
}

fn to_spir_v(shader: &Shader) {
    let pipeline = spv::PipelineOptions {
        shader_stage: ShaderStage::Compute,
        entry_point: SEARCH_ENTRY.into(),
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
        resources: [
            (binding(PARAMS_BINDING), buffer(0, false)),
            (binding(RESULTS_BINDING), buffer(1, true)),
        ]
        .into(),
        sizes_buffer: Some(2),
        ..msl::EntryPointResources::default()
    };
    let options = msl::Options {
        fake_missing_bindings: false,
        per_entry_point_map: [(SEARCH_ENTRY.into(), resources)].into(),
        ..msl::Options::default()
    };
    let pipeline = msl::PipelineOptions::default();
    let (text, reflection) =
        msl::write_string(&shader.module, &shader.info, &options, &pipeline).unwrap();
    assert_eq!(reflection.entry_point_names, [Ok(SEARCH_ENTRY.to_owned())]);
    assert!(text.contains("kernel void search("), "{text}");
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
        binding_map: [
            (binding(PARAMS_BINDING), register(0)),
            (binding(RESULTS_BINDING), register(1)),
        ]
        .into(),
        special_constants_binding: Some(register(2)),
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
    assert_eq!(names, [SEARCH_ENTRY]);
    assert!(
        text.contains("[numthreads(64, 1, 1)]\nvoid search("),
        "{text}"
    );
}

fn binding(binding: u32) -> ResourceBinding {
    ResourceBinding { group: 0, binding }
}
