//! The wide vectors against those of AVX2, and on other architectures.

/// A program on vectors, once for each crate. Its results are bits.
macro_rules! program {
    ($name:ident, $vectors:path) => {
        mod $name {
            use $vectors::{
                Scalar, Simd, VBitAnd, VBitOr, VBitXor, VMulAdd, WithSimd, vload_unaligned,
                vstore_unaligned,
            };

            pub struct Program<'a>(pub &'a [f32]);

            #[allow(unsafe_code)]
            impl WithSimd for Program<'_> {
                type Output = (usize, Vec<u64>);

                fn with_simd<S: Simd>(self) -> Self::Output {
                    let lanes = f32::lanes::<S>();
                    let mut results = Vec::new();
                    for three in self.0.chunks_exact(3 * lanes) {
                        let mut out = vec![0.0_f32; lanes];
                        // SAFETY: three vectors are read and one is written.
                        unsafe {
                            let at = |vector: usize| three.as_ptr().add(vector * lanes);
                            let (a, b, c) = (
                                vload_unaligned::<S, f32>(at(0)),
                                vload_unaligned::<S, f32>(at(1)),
                                vload_unaligned::<S, f32>(at(2)),
                            );
                            let mut sum = 0.5_f32.splat::<S>();
                            sum += a * b / c - a;
                            for vector in [
                                sum,
                                a.mul_add(b, c),
                                f32::vmul_add(a, a, b).abs(),
                                a.min(b),
                                a.max(b),
                            ] {
                                vstore_unaligned(out.as_mut_ptr(), vector);
                                results.extend(out.iter().map(|x| u64::from(x.to_bits())));
                                let reduced = [
                                    vector.reduce_add(),
                                    vector.reduce_min(),
                                    vector.reduce_max(),
                                ];
                                results.extend(reduced.map(|x| u64::from(x.to_bits())));
                            }
                            let nan = f32::NAN.splat::<S>();
                            let mut truths = vec![false; lanes];
                            for mask in [a.lt(b), a.le(b), nan.lt(b), nan.lt(a) | !nan.le(nan)] {
                                mask.store_as_bool(truths.as_mut_ptr());
                                results.extend(truths.iter().map(|x| u64::from(*x)));
                            }
                        }
                    }
                    let bytes: Vec<u8> = self.0.iter().map(|x| x.to_bits() as u8).collect();
                    for two in bytes.chunks_exact(2 * S::lanes8()) {
                        let mut out = vec![0_u8; S::lanes8()];
                        let mut equal = vec![false; S::lanes8()];
                        // SAFETY: two vectors are read, one and as many truth values are written.
                        unsafe {
                            let a = vload_unaligned::<S, u8>(two.as_ptr());
                            let b = vload_unaligned::<S, u8>(two.as_ptr().add(S::lanes8()));
                            let bits = [u8::vbitand(a, b), u8::vbitor(a, b), u8::vbitxor(a, b)];
                            for vector in bits.into_iter().chain([!a, a - b, (a & b) | (!a & b)]) {
                                vstore_unaligned(out.as_mut_ptr(), vector);
                                results.extend(out.iter().map(|x| u64::from(*x)));
                            }
                            for mask in [a.eq(b), a.lt(b) | !a.le(b)] {
                                mask.store_as_bool(equal.as_mut_ptr());
                                results.extend(equal.iter().map(|x| u64::from(*x)));
                            }
                        }
                    }
                    let numbers: Vec<i32> = self.0.iter().map(|x| x.to_bits() as i32).collect();
                    for two in numbers.chunks_exact(2 * S::lanes32()) {
                        // SAFETY: two vectors are read.
                        let (a, b) = unsafe {
                            let b = two.as_ptr().add(S::lanes32());
                            (
                                vload_unaligned::<S, i32>(two.as_ptr()),
                                vload_unaligned::<S, i32>(b),
                            )
                        };
                        results.push(i32::vmul_add(a, b, a).reduce_add() as u64);
                    }
                    (lanes, results)
                }
            }
        }
    };
}

#[cfg(target_arch = "x86_64")]
program!(narrow, previous);
program!(broad, crate::wide);

/// What the wide vectors compute from some thousand numbers.
fn wide(numbers: &[f32]) -> (usize, Vec<u64>) {
    crate::wide::WithSimd::with_simd::<crate::wide::Wide>(broad::Program(numbers))
}

fn numbers() -> Vec<f32> {
    let mut state = 1_u64;
    let mut random = || {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        // Of all sizes that do not overflow.
        f32::from_bits((state >> 32) as u32 & 0xbfff_ffff)
    };
    let mut numbers: Vec<f32> = (0..4800).map(|_| random()).collect();
    // Equal ones, zeros of both signs, and a sum that depends on its order.
    numbers[..4].copy_from_slice(&[0.0, -0.0, 1e8, -1e8]);
    numbers[200..240].fill(1.5);
    numbers
}

#[cfg(target_arch = "x86_64")]
#[test]
fn wide_vectors_compute_as_those_of_avx2() {
    let numbers = numbers();
    let (lanes, expected) = previous::AutoArch::new().dispatch(narrow::Program(&numbers));
    // Without AVX2 there is nothing to compare with.
    assert_eq!(lanes, 8, "this CPU has no AVX2");
    assert_eq!(wide(&numbers), (lanes, expected));
}

/// The same results on all architectures.
#[test]
fn results_never_change() {
    let (_, results) = wide(&numbers());
    let digest = results.iter().fold(0_u64, |digest, result| {
        let next = digest.rotate_left(5) ^ result;
        next.wrapping_mul(0x9e37_79b9_7f4a_7c15)
    });
    assert_eq!(digest, 10_863_883_670_133_395_386);
}
