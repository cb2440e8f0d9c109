//! Compiles what is loaded into function processes: the package takes it from the output folder (pyproject.toml).

use std::env;
use std::path::Path;
use std::process::Command;

const SOURCE: &str = "../groundhog-sys/addons/node.rs";

fn main() {
    println!("cargo::rerun-if-changed={SOURCE}");
    let var = |name: &str| env::var(name).unwrap_or_else(|_| panic!("cargo sets {name}"));
    let object = Path::new(&var("OUT_DIR")).join("openssl.node");
    // rustc itself, not a package of cargo's: this is a program of its own, and no library of Rust may be linked into it.
    let mut rustc = Command::new(var("RUSTC"));
    rustc
        .args([
            "--edition=2024",
            "--crate-name=node",
            "--crate-type=cdylib",
            "--cfg=alone",
            "--target",
            &var("TARGET"),
        ])
        .args(["-Copt-level=s", "-Cpanic=abort", "-Cstrip=symbols", "-Clto=fat", "-Ccodegen-units=1"])
        .arg("-o")
        .arg(&object)
        .arg(SOURCE);
    if let Ok(linker) = env::var("RUSTC_LINKER") {
        rustc.arg(format!("-Clinker={linker}"));
    }
    let status = rustc.status().expect("rustc runs");
    assert!(status.success(), "{SOURCE} does not compile");
}
