//! Pure. What a claim of a deletion certificate means.

/// What a claim is worth, in words.
pub fn claim_in_words(claim: &str) -> &str {
    match claim {
        "tpm" => "cryptographic erase",
        "file" => "deleted; key copies may survive in worn flash until overwritten",
        other => other,
    }
}
