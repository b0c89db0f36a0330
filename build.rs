//! Cuts o200k's token table down to its first ranks, for `src/tokens.rs` to embed.
//!
//! # Why cut
//!
//! The whole table takes 3.6 MB of the Worker and some 300 ms of CPU on first use. Lower ranks are
//! the earlier merges, so any number of first ranks from the 256 bytes on is a whole table of its
//! own; it only ever splits finer, which errs on the safe side.

use std::error::Error;
use std::path::PathBuf;
use std::{env, fs};

/// How many ranks are kept: half as many count a tenth worse, twice as many take twice as long to
/// load.
const RANKS: u32 = 16_000;

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo::rerun-if-changed=build.rs");
    let whole = tiktoken_rs::o200k_base()?;
    let mut table = Vec::new();
    for rank in 0..RANKS {
        let token = whole.decode_bytes(&[rank])?;
        table.push(u8::try_from(token.len())?);
        table.extend(token);
    }
    let out = PathBuf::from(env::var_os("OUT_DIR").ok_or("cargo sets OUT_DIR")?);
    fs::write(out.join("tokens.bin"), table)?;
    Ok(())
}
