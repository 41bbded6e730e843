//! Reads chain files from stdin and prints the verifier's verdict on each.

fn main() -> std::io::Result<()> {
    let out = std::io::stdout().lock();
    pow_verdict::verdicts(
        &mut std::io::stdin().lock(),
        &mut std::io::BufWriter::new(out),
    )
}
