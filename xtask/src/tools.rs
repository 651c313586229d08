//! What the tests need besides Rust, found on the machine or installed.
//!
//! Debian packages are installed only when missing; everything from npm and PyPI goes below
//! `target/tools`, by lock file, and is left alone while its lock file stays the same.

use std::{
    env::{self, consts::ARCH},
    fs,
    os::unix::fs::MetadataExt as _,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context as _, bail};

use crate::{
    postgres,
    run::{ask, run},
};

/// The programs and packages the world tests are told of.
pub struct Tools {
    pub node: PathBuf,
    pub node_modules: PathBuf,
    pub python: PathBuf,
    pub chromium: PathBuf,
}

/// A Debian package, and how we know that we can do without it.
struct Package {
    name: &'static str,
    is_there: fn() -> bool,
}

const PACKAGES: &[Package] = &[
    Package { name: "nodejs", is_there: || on_path("node").is_some() },
    Package { name: "npm", is_there: || on_path("npm").is_some() },
    Package { name: "python3-venv", is_there: || python().is_some() },
    Package { name: "postgresql", is_there: || postgres::programs().is_some() },
    Package { name: "chromium", is_there: || chromium().is_some() },
];

/// The oldest versions that the official SDKs run on.
const NODE_FOR_SDK: u32 = 20;
const PYTHON_FOR_SDK: u32 = 11;

/// Installs what is missing and says where everything is.
pub fn installed() -> anyhow::Result<Tools> {
    debian_packages()?;
    Ok(Tools {
        node: node(NODE_FOR_SDK)?,
        node_modules: node_modules("node", Path::new("crates/world/drivers/typescript"))?,
        python: python_with_sdk()?,
        chromium: chromium().context("chromium is not there although it was installed")?,
    })
}

fn debian_packages() -> anyhow::Result<()> {
    let missing: Vec<&str> = PACKAGES.iter().filter(|package| !(package.is_there)()).map(|it| it.name).collect();
    if missing.is_empty() {
        return Ok(());
    }
    let by_hand = format!("apt-get update && apt-get install --no-install-recommends {}", missing.join(" "));
    if on_path("apt-get").is_none() {
        bail!("this is not Debian; please install what these Debian packages hold: {}", missing.join(" "));
    }
    println!("installing {}", missing.join(" "));
    let prefix: &[&str] = match (is_root(), on_path("sudo")) {
        (true, _) => &[],
        (false, Some(_)) => &["sudo", "-n"],
        (false, None) => bail!("packages are missing; please run as root: {by_hand}"),
    };
    let apt = |arguments: &[&str]| {
        let line = [prefix, &["env", "DEBIAN_FRONTEND=noninteractive", "apt-get", "-qq"], arguments].concat();
        run(Command::new(line[0]).args(&line[1..]).stdout(std::process::Stdio::null()))
    };
    apt(&["update"]).with_context(|| format!("please run as root: {by_hand}"))?;
    apt(&[&["install", "-y", "--no-install-recommends"], &missing[..]].concat())
}

/// Node of at least major version `oldest`: the machine's, or one from npm.
pub fn node(oldest: u32) -> anyhow::Result<PathBuf> {
    if let Some(node) = on_path("node").filter(|node| node_version(node).is_some_and(|version| version >= oldest)) {
        return Ok(node);
    }
    let arch = match ARCH {
        "x86_64" => "x64",
        "aarch64" => "arm64",
        other => bail!("npm has no node for `{other}`; please install node {oldest} or newer"),
    };
    let package = format!("node-linux-{arch}");
    let folder = Path::new("target/tools/newer-node");
    let node = folder.join("node_modules").join(&package).join("bin/node");
    if !node.exists() {
        npm_install(folder, &format!("{package}@24"))?;
    }
    Ok(fs::canonicalize(node)?)
}

/// Installs one exact package into a folder of its own.
pub fn npm_install(folder: &Path, package: &str) -> anyhow::Result<()> {
    fs::create_dir_all(folder)?;
    fs::write(folder.join("package.json"), "{\"private\":true}\n")?;
    println!("installing {package} from npm");
    npm(folder, &["install", "--force", "--ignore-scripts", package])
}

/// The packages of a lock file, in `target/tools/NAME/node_modules`.
pub fn node_modules(name: &str, locked: &Path) -> anyhow::Result<PathBuf> {
    let folder = Path::new("target/tools").join(name);
    fs::create_dir_all(&folder)?;
    let lock = fs::read_to_string(locked.join("package-lock.json"))?;
    once_for(&folder.join("installed.lock"), &lock, || {
        for file in ["package.json", "package-lock.json"] {
            fs::copy(locked.join(file), folder.join(file))?;
        }
        println!("installing packages of {} from npm", locked.display());
        npm(&folder, &["ci", "--ignore-scripts"])
    })?;
    Ok(fs::canonicalize(folder.join("node_modules"))?)
}

fn npm(folder: &Path, arguments: &[&str]) -> anyhow::Result<()> {
    // npm is chatty about funds and audits, and asks the network for both.
    let quiet = ["--no-audit", "--no-fund", "--loglevel=error"];
    run(Command::new("npm").current_dir(folder).args(arguments).args(quiet))
}

fn python_with_sdk() -> anyhow::Result<PathBuf> {
    let locked = Path::new("crates/world/drivers/python/requirements.txt");
    let folder = Path::new("target/tools/venv");
    let requirements = fs::read_to_string(locked).with_context(|| locked.display().to_string())?;
    fs::create_dir_all("target/tools")?;
    once_for(Path::new("target/tools/venv.lock"), &requirements, || {
        let python = python().context("no python with the venv module")?;
        run(Command::new(python).args(["-m", "venv", "--clear"]).arg(folder))?;
        println!("installing packages of {} from PyPI", locked.display());
        let pip = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "-r"];
        run(Command::new(folder.join("bin/python")).args(pip).arg(locked))
    })?;
    // Not canonical: the link is what makes it the python of this environment.
    Ok(env::current_dir()?.join(folder).join("bin/python"))
}

/// Does `work` unless it was done for the same `input` before.
fn once_for(stamp: &Path, input: &str, work: impl FnOnce() -> anyhow::Result<()>) -> anyhow::Result<()> {
    if fs::read_to_string(stamp).is_ok_and(|done_for| done_for == input) {
        return Ok(());
    }
    work()?;
    Ok(fs::write(stamp, input)?)
}

fn python() -> Option<PathBuf> {
    let check = format!("import sys, venv, ensurepip; sys.exit(sys.version_info < (3, {PYTHON_FOR_SDK}))");
    let newest_first = (PYTHON_FOR_SDK..=PYTHON_FOR_SDK + 4).rev().map(|minor| format!("python3.{minor}"));
    let mut candidates = std::iter::once("python3".to_owned()).chain(newest_first).filter_map(|name| on_path(&name));
    candidates.find(|python| ask(Command::new(python).args(["-c", &check])).is_some())
}

fn chromium() -> Option<PathBuf> {
    ["chromium", "chromium-browser", "google-chrome"].into_iter().find_map(on_path)
}

fn node_version(node: &Path) -> Option<u32> {
    let version = ask(Command::new(node).arg("--version"))?;
    version.trim_start_matches('v').split('.').next()?.parse().ok()
}

/// Where a program is, by `PATH`.
pub fn on_path(name: &str) -> Option<PathBuf> {
    let path = env::var_os("PATH")?;
    env::split_paths(&path).map(|folder| folder.join(name)).find(|file| file.is_file())
}

/// `cargo-deny`: the one that is there, or the one of this version, built once from crates.io.
pub fn cargo_deny() -> anyhow::Result<PathBuf> {
    if let Some(there) = on_path("cargo-deny") {
        return Ok(there);
    }
    let root = env::current_dir()?.join("target/tools/cargo-deny");
    let program = root.join("bin/cargo-deny");
    if !program.is_file() {
        let cargo = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
        // Without optimisation: it runs for seconds, and is built for minutes.
        run(Command::new(cargo)
            .args(["install", "cargo-deny", "--locked", "--debug", "--quiet", "--version", CARGO_DENY, "--root"])
            .arg(&root))?;
    }
    Ok(program)
}

/// The version that `deny.toml` is written for.
const CARGO_DENY: &str = "0.20.2";

/// Whether we run as root.
pub fn is_root() -> bool {
    fs::metadata("/proc/self").is_ok_and(|us| us.uid() == 0)
}
