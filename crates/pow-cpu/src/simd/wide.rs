//! SHA-256 of as many messages as a vector has lanes. Every vector has one word
//! of each message.

use pow_kernels::sha256::ROUND_CONSTANTS;

/// The round constants, in groups of sixteen rounds.
pub const CONSTANTS: &[[u32; 16]; 4] = match ROUND_CONSTANTS.as_chunks().0.first_chunk() {
    Some(constants) => constants,
    None => panic!("there are 64 rounds"),
};

/// Calls a function for rounds 0 to 15. With a loop, the compiler might keep
/// the vectors in memory.
macro_rules! sixteen_times {
    ($function:ident($($argument:expr),*)) => {
        $function::<0>($($argument),*);
        $function::<1>($($argument),*);
        $function::<2>($($argument),*);
        $function::<3>($($argument),*);
        $function::<4>($($argument),*);
        $function::<5>($($argument),*);
        $function::<6>($($argument),*);
        $function::<7>($($argument),*);
        $function::<8>($($argument),*);
        $function::<9>($($argument),*);
        $function::<10>($($argument),*);
        $function::<11>($($argument),*);
        $function::<12>($($argument),*);
        $function::<13>($($argument),*);
        $function::<14>($($argument),*);
        $function::<15>($($argument),*);
    };
}

/// Defines `hash` and `hash_twice` for vectors of `LANES` words. These must be in scope:
/// SHA-256's functions on vectors, `add`, `constant`, `load` and `store`.
///
/// A closure has the CPU features of the function around it. A function that
/// calls the closure, such as an array's `map`, has not, so the closure would
/// not be inlined there. That is why this code has loops instead.
macro_rules! define_hash {
    ($vector:ty, $features:literal) => {
        /// Hashes messages of a shape.
        #[target_feature(enable = $features)]
        pub fn hash<const LEN: usize>(
            shape: &MessageShape,
            messages: &[[u8; LEN]],
            digests: &mut [[u8; 32]],
        ) {
            let (groups, left) = messages.as_chunks::<LANES>();
            let (hashed, not_hashed) = digests.as_chunks_mut::<LANES>();
            for (messages, digests) in groups.iter().zip(hashed) {
                *digests = hash_group(shape, messages.each_ref());
            }
            if is_too_few(left.len()) {
                return portable::hash(shape, left, not_hashed);
            }
            let group = hash_group(shape, fill(left));
            not_hashed.copy_from_slice(&group[..left.len()]);
        }

        /// Hashes padded messages of two blocks, and then the hashes.
        #[target_feature(enable = $features)]
        pub fn hash_twice(messages: &[[u8; 2 * BLOCK]], digests: &mut [[u8; 32]]) {
            let (groups, left) = messages.as_chunks::<LANES>();
            let (hashed, not_hashed) = digests.as_chunks_mut::<LANES>();
            for (messages, digests) in groups.iter().zip(hashed) {
                *digests = hash_group_twice(messages.each_ref());
            }
            if is_too_few(left.len()) {
                return portable::hash_twice(left, not_hashed);
            }
            let group = hash_group_twice(fill(left));
            not_hashed.copy_from_slice(&group[..left.len()]);
        }

        /// Whether the last messages fill at most a quarter of the lanes. Then
        /// they are hashed one by one.
        fn is_too_few(left: usize) -> bool {
            left * 4 <= LANES
        }

        /// The last messages, at least one. The other lanes hash the last one
        /// again.
        fn fill<const LEN: usize>(left: &[[u8; LEN]]) -> [&[u8; LEN]; LANES] {
            std::array::from_fn(|lane| &left[lane.min(left.len() - 1)])
        }

        #[target_feature(enable = $features)]
        fn hash_group<const LEN: usize>(
            shape: &MessageShape,
            messages: [&[u8; LEN]; LANES],
        ) -> [[u8; 32]; LANES] {
            let mut state = spread(&shape.midstate);
            for block in 0..LEN / BLOCK {
                compress(&mut state, load(&messages, block));
            }
            let before = state;
            for inputs in shape.ending.as_chunks::<16>().0 {
                sixteen_times!(last_round(&mut state, inputs));
            }
            add_each(&mut state, before);
            to_bytes(state)
        }

        #[target_feature(enable = $features)]
        fn hash_group_twice(messages: [&[u8; 2 * BLOCK]; LANES]) -> [[u8; 32]; LANES] {
            let mut inner = spread(&INITIAL);
            compress(&mut inner, load(&messages, 0));
            compress(&mut inner, load(&messages, 1));
            // The inner hash's 32 bytes, a one bit, and 256 bits of length.
            let mut words = [constant(0); 16];
            words[..8].copy_from_slice(&inner);
            words[8] = constant(0x8000_0000);
            words[15] = constant(256);
            let mut outer = spread(&INITIAL);
            compress(&mut outer, words);
            to_bytes(outer)
        }

        /// The same state in each lane.
        #[inline]
        #[target_feature(enable = $features)]
        fn spread(state: &[u32; 8]) -> [$vector; 8] {
            let mut vectors = [constant(0); 8];
            for (vector, word) in vectors.iter_mut().zip(state) {
                *vector = constant(*word);
            }
            vectors
        }

        /// The states after one more block.
        #[inline]
        #[target_feature(enable = $features)]
        fn compress(state: &mut [$vector; 8], mut words: [$vector; 16]) {
            let before = *state;
            let [first, more @ ..] = CONSTANTS;
            sixteen_times!(first_round(state, &words, first));
            for constants in more {
                sixteen_times!(later_round(state, &mut words, constants));
            }
            add_each(state, before);
        }

        #[inline]
        #[target_feature(enable = $features)]
        fn to_bytes(state: [$vector; 8]) -> [[u8; 32]; LANES] {
            let mut digests = [[0; 32]; LANES];
            for (i, words) in state.into_iter().enumerate() {
                for (digest, word) in digests.iter_mut().zip(store(words)) {
                    digest.as_chunks_mut::<4>().0[i] = word.to_be_bytes();
                }
            }
            digests
        }

        /// One of the first sixteen rounds.
        #[inline]
        #[target_feature(enable = $features)]
        fn first_round<const T: usize>(
            state: &mut [$vector; 8],
            words: &[$vector; 16],
            constants: &[u32; 16],
        ) {
            round(state, add(words[T], constant(constants[T])));
        }

        /// One of the later rounds. It replaces the oldest schedule word.
        #[inline]
        #[target_feature(enable = $features)]
        fn later_round<const T: usize>(
            state: &mut [$vector; 8],
            words: &mut [$vector; 16],
            constants: &[u32; 16],
        ) {
            let old = add(words[T], small_sigma_0(words[(T + 1) % 16]));
            let new = add(words[(T + 9) % 16], small_sigma_1(words[(T + 14) % 16]));
            words[T] = add(old, new);
            round(state, add(words[T], constant(constants[T])));
        }

        /// A round of the last block. Its inputs are constants.
        #[inline]
        #[target_feature(enable = $features)]
        fn last_round<const T: usize>(state: &mut [$vector; 8], inputs: &[u32; 16]) {
            round(state, constant(inputs[T]));
        }

        #[inline]
        #[target_feature(enable = $features)]
        fn round(state: &mut [$vector; 8], input: $vector) {
            let [a, b, c, d, e, f, g, h] = *state;
            let first = add(add(add(h, input), choice(e, f, g)), big_sigma_1(e));
            let second = add(big_sigma_0(a), majority(a, b, c));
            *state = [add(first, second), a, b, c, add(d, first), e, f, g];
        }

        #[inline]
        #[target_feature(enable = $features)]
        fn add_each(state: &mut [$vector; 8], before: [$vector; 8]) {
            for (word, before) in state.iter_mut().zip(before) {
                *word = add(*word, before);
            }
        }
    };
}
