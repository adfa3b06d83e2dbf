//! Adapter: filesystem. What fuzzing keeps of inputs, for tests.

/// Walks what is kept of one fuzz target's inputs: each as it is, cut short at many places, and with single bits changed.
#[allow(clippy::panic)] // a test that cannot go on is to stop
pub fn corpus(target: &str, entry: fn(&[u8])) {
    let mut folder = std::path::PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    folder.pop();
    folder.extend(["tests", "fuzz", "corpus", target]);
    let files = std::fs::read_dir(&folder)
        .unwrap_or_else(|e| panic!("{}: {e}", folder.display()))
        .map(|f| f.and_then(|f| std::fs::read(f.path())));
    let mut count = 0;
    for input in files {
        let mut input = input.unwrap_or_else(|e| panic!("{}: {e}", folder.display()));
        entry(&input);
        count += 1;
        for n in 0..64.min(input.len()) {
            let at = n * input.len() / 64.min(input.len());
            entry(&input[..at]);
            input[at] ^= 1 << (n % 8);
            entry(&input);
            input[at] ^= 1 << (n % 8);
        }
    }
    assert!(count > 0, "{} holds nothing", folder.display());
}
