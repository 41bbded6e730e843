//! Headers that a verifier supplies, and proofs of any bytes.

use super::{LATE, chain_with};
use pow_audit::anchor::{BitcoinHeaders, BitcoinHeadersError, MAINNET_LIMIT, OtsProof};
use pow_tests::anchors::{REGTEST, complete, listed, pending};

tests! {
    headers_come_raw_or_as_lines, headers_that_are_none_are_refused, bitcoins_first_block_is_read,
        no_byte_string_is_a_panic
}

fn headers_come_raw_or_as_lines() {
    let headers = chain_with([0; 32], LATE);
    let raw: Vec<u8> = headers
        .iter()
        .flat_map(|(_, header)| header.to_bytes())
        .collect();
    assert!(BitcoinHeaders::parse(&raw, REGTEST).is_ok());
    let lines = listed(&headers);
    assert!(BitcoinHeaders::parse(lines.as_bytes(), REGTEST).is_ok());
    let bare: Vec<&str> = lines
        .lines()
        .map(|line| line.split_once(' ').unwrap().1)
        .collect();
    assert!(BitcoinHeaders::parse(bare.join("\r\n\n").as_bytes(), REGTEST).is_ok());
}

fn headers_that_are_none_are_refused() {
    use BitcoinHeadersError::{Empty, Length, Line, Link, TooEasy, Work};
    let headers = chain_with([0; 32], LATE);
    let parse = |bytes: &[u8], limit| BitcoinHeaders::parse(bytes, limit).map(drop).unwrap_err();
    assert_eq!(parse(b"", REGTEST), Empty);
    assert_eq!(parse(&headers[0].1.to_bytes()[1..], REGTEST), Length(79));
    assert_eq!(parse(b"\n00ff\n", REGTEST), Line(2));
    let text = listed(&headers);
    assert_eq!(
        parse(text.replacen("7 ", "x ", 1).as_bytes(), REGTEST),
        Line(1)
    );
    let easy = TooEasy {
        at: 1,
        found: REGTEST.0,
        limit: MAINNET_LIMIT.0,
    };
    assert_eq!(parse(text.as_bytes(), MAINNET_LIMIT), easy);
    let mut bad = headers.clone();
    bad[2].1.nonce = pow_tests::fixture::nonce(bad[2].1, false);
    assert_eq!(parse(listed(&bad).as_bytes(), REGTEST), Work(3));
    // A height that the links contradict, and links that the heights contradict.
    let mut bad = headers.clone();
    bad[1].0 = 9;
    assert_eq!(
        parse(listed(&bad).as_bytes(), REGTEST),
        Link { at: 2, height: 9 }
    );
    let mut bad = headers.clone();
    bad.remove(1);
    bad[1].0 = 8;
    assert_eq!(
        parse(listed(&bad).as_bytes(), REGTEST),
        Link { at: 2, height: 8 }
    );
    // A gap is a new stretch.
    bad[1].0 = 9;
    assert!(BitcoinHeaders::parse(listed(&bad).as_bytes(), REGTEST).is_ok());
}

/// The header of Bitcoin's first block, at Bitcoin's own limit.
fn bitcoins_first_block_is_read() {
    let genesis = bitcoin::constants::genesis_block(bitcoin::Network::Bitcoin);
    let header = bitcoin::consensus::serialize(&genesis.header);
    assert!(BitcoinHeaders::parse(&header, MAINNET_LIMIT).is_ok());
    let mut bad = header.clone();
    bad[79] ^= 1;
    let error = BitcoinHeaders::parse(&bad, MAINNET_LIMIT).map(drop);
    assert_eq!(error, Err(BitcoinHeadersError::Work(1)));
}

/// Every cut and every flipped bit of a proof, and pieces of proofs in any order.
fn no_byte_string_is_a_panic() {
    let proofs = [complete([7; 32], 9), pending([7; 32])];
    for proof in &proofs {
        assert!(OtsProof::parse(proof).is_ok());
        for len in 0..proof.len() {
            assert!(OtsProof::parse(&proof[..len]).is_err(), "{len}");
        }
        for bit in 0..8 * proof.len() {
            let mut bad = proof.clone();
            bad[bit / 8] ^= 1 << (bit % 8);
            assert_ne!(
                OtsProof::parse(&bad).as_ref(),
                OtsProof::parse(proof).as_ref()
            );
        }
    }
    let mut state = 1u64;
    let mut next = || {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        (state >> 33) as usize
    };
    let pieces: [&[u8]; 6] = [
        &[0xff],
        &[0x08],
        &[0xf0, 1, 5],
        &[0xf1, 2, 5, 6],
        &proofs[0][72..],
        &proofs[1][72..],
    ];
    let mut good = 0;
    for _ in 0..2000 {
        let mut bytes = proofs[0][..65].to_vec();
        for _ in 0..next() % 40 {
            bytes.extend(pieces[next() % pieces.len()]);
        }
        bytes.extend(pieces[4]);
        good += usize::from(OtsProof::parse(&bytes).is_ok());
    }
    assert!((1..2000).contains(&good), "{good}");
}
