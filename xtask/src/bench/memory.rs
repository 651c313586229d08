//! `cargo xtask bench --memory`: what strangers and one agent can make the product hold.
//!
//! Three floods, each with a bound in count and time, against the development build on loopback: clients that hang
//! up while their password is hashed, bodies that are announced and sent but for the last byte, and heads without
//! bodies while somebody asks how the node is. Fails when the product was ever larger than the bound, or did not
//! answer in time.

use std::{
    env, fs,
    io::{Read, Write},
    net::{SocketAddr, TcpStream},
    path::PathBuf,
    process::Command,
    sync::atomic::{AtomicUsize, Ordering},
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context as _, bail};

use super::targets::Ground;
use crate::run::run;

/// The product may never be larger, in MiB.
const MOST: u64 = 300;
const HANGING_UP: Duration = Duration::from_secs(3);
const AT_ONCE: usize = 16;
const UNFINISHED: usize = 1500;
const HEADS: usize = 4000;

/// Goes on with as many open files as the system allows; the product inherits that.
pub fn run_raised(product: &str) -> anyhow::Result<()> {
    let raise = r#"ulimit -n "$(ulimit -H -n)" 2>/dev/null; exec "$0" "$@""#;
    run(Command::new("sh").arg("-c").arg(raise).arg(env::current_exe()?).args(["bench", "measure-memory", product]))
}

/// The floods, one after the other.
pub fn measure(product: &str) -> anyhow::Result<()> {
    let ground = Ground::of_product_alone(&PathBuf::from(product))?;
    let target = ground.targets.last().context("nothing is running")?;
    let flood = Flood { process: target.process, port: target.port, request: target.request.clone() };
    let floods: [(&str, Make); 4] = [
        ("16 clients that hang up while their password is hashed", Flood::hang_up),
        ("1,500 bodies of 1 MiB of one agent, unfinished", Flood::unfinished_calls),
        ("1,500 forms of 60 KiB, unfinished", Flood::unfinished_forms),
        ("4,000 heads without bodies, and /healthz", Flood::heads),
    ];
    let mut largest = 0;
    for (what, make) in floods {
        flood.forget_peak();
        let started = Instant::now();
        make(&flood).context(what)?;
        let peak = flood.peak()?;
        largest = largest.max(peak);
        println!("{what:<58} {peak:>5} MiB at most, {:>4.1} s", started.elapsed().as_secs_f64());
    }
    if largest > MOST {
        bail!("the product took {largest} MiB; it may take {MOST}");
    }
    Ok(())
}

type Make = fn(&Flood) -> anyhow::Result<()>;

struct Flood {
    process: u32,
    port: u16,
    /// A whole call with a good token.
    request: String,
}

impl Flood {
    fn hang_up(&self) -> anyhow::Result<()> {
        let page = self.ask("GET /login HTTP/1.1\r\n")?;
        let between = |from: &str, to: &str| Some(page.split_once(from)?.1.split_once(to)?.0.to_owned());
        let cookie = between("set-cookie: ", ";").context("the login page sets no cookie")?;
        let csrf = between("name=\"csrf\" value=\"", "\"").context("the login page has no csrf field")?;
        let (end, count) = (Instant::now() + HANGING_UP, AtomicUsize::new(0));
        thread::scope(|scope| {
            for _ in 0..AT_ONCE {
                scope.spawn(|| {
                    while Instant::now() < end {
                        let number = count.fetch_add(1, Ordering::Relaxed);
                        let body = format!("csrf={csrf}&name=nobody-{number}&password=not-it-at-all");
                        let head = format!("POST /login HTTP/1.1\r\ncookie: {cookie}\r\n{}", self.form(body.len()));
                        if let Ok(mut stream) = self.connect() {
                            let _ = stream.write_all(format!("{head}{body}").as_bytes());
                            thread::sleep(Duration::from_millis(20));
                        }
                    }
                });
            }
        });
        self.is_well()
    }

    fn unfinished_calls(&self) -> anyhow::Result<()> {
        let (head, _) = self.request.split_once("content-length: ").context("the call has a length")?;
        let head = format!("{head}content-length: 1048576\r\n\r\n");
        self.unfinished(&head, 1024 * 1024 - 1)
    }

    fn unfinished_forms(&self) -> anyhow::Result<()> {
        self.unfinished(&format!("POST /login HTTP/1.1\r\n{}", self.form(60 * 1024)), 60 * 1024 - 1)
    }

    /// All but the last byte of so many bodies, as far as they are taken.
    fn unfinished(&self, head: &str, bytes: usize) -> anyhow::Result<()> {
        let body = vec![b' '; bytes];
        let open = |count: usize| {
            let send = |_| {
                let mut stream = self.connect().ok()?;
                let _ = stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(&body));
                Some(stream)
            };
            (0..count).filter_map(send).collect::<Vec<_>>()
        };
        let held: Vec<_> = thread::scope(|scope| {
            let threads: Vec<_> = (0..AT_ONCE).map(|_| scope.spawn(|| open(UNFINISHED.div_ceil(AT_ONCE)))).collect();
            threads.into_iter().filter_map(|it| it.join().ok()).collect()
        });
        let well = self.is_well();
        drop(held);
        well
    }

    fn heads(&self) -> anyhow::Result<()> {
        let mut held = Vec::new();
        for number in 0..HEADS {
            let path = ["/login", "/oauth/token", "/console"][number % 3];
            // The system may allow us fewer.
            let Ok(mut stream) = self.connect() else { break };
            let _ = stream.write_all(format!("POST {path} HTTP/1.1\r\n{}", self.form(100)).as_bytes());
            held.push(stream);
            if number % 200 == 0 {
                self.is_well().with_context(|| format!("after {number} heads"))?;
            }
        }
        for _ in 0..20 {
            self.is_well().with_context(|| format!("with {} heads open", held.len()))?;
            thread::sleep(Duration::from_millis(50));
        }
        Ok(())
    }

    fn is_well(&self) -> anyhow::Result<()> {
        let answer = self.ask("GET /healthz HTTP/1.1\r\n")?;
        if !answer.starts_with("http/1.1 200") {
            bail!("/healthz said: {answer}");
        }
        Ok(())
    }

    /// The whole answer on a connection of its own, its head in lower case.
    fn ask(&self, head: &str) -> anyhow::Result<String> {
        let mut stream = self.connect()?;
        stream.write_all(format!("{head}host: localhost:{}\r\nconnection: close\r\n\r\n", self.port).as_bytes())?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer)?;
        let (head, body) = answer.split_once("\r\n\r\n").unwrap_or((&answer, ""));
        let head: Vec<String> = head.lines().map(lower_name).collect();
        Ok(format!("{}\r\n\r\n{body}", head.join("\r\n")))
    }

    fn form(&self, length: usize) -> String {
        let port = self.port;
        format!(
            "host: localhost:{port}\r\norigin: http://localhost:{port}\r\n\
             content-type: application/x-www-form-urlencoded\r\ncontent-length: {length}\r\n\r\n"
        )
    }

    fn connect(&self) -> anyhow::Result<TcpStream> {
        let stream = TcpStream::connect_timeout(&SocketAddr::from(([127, 0, 0, 1], self.port)), PATIENCE)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        stream.set_write_timeout(Some(Duration::from_millis(500)))?;
        Ok(stream)
    }

    /// A new peak for what follows. Where the system does not allow it, the peak is that of everything so far.
    fn forget_peak(&self) {
        let _ = fs::write(format!("/proc/{}/clear_refs", self.process), "5");
    }

    /// Resident memory at its peak, in MiB.
    fn peak(&self) -> anyhow::Result<u64> {
        let status = fs::read_to_string(format!("/proc/{}/status", self.process)).context("the product is gone")?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).context("no VmHWM")?;
        let kilobytes: u64 = line.split_whitespace().next().unwrap_or_default().parse()?;
        Ok(kilobytes / 1024)
    }
}

/// Names of fields in lower case, values as they are; the status line in lower case.
fn lower_name(line: &str) -> String {
    match line.split_once(": ") {
        Some((name, value)) => format!("{}: {value}", name.to_ascii_lowercase()),
        None => line.to_ascii_lowercase(),
    }
}

/// How long anything may take.
const PATIENCE: Duration = Duration::from_secs(5);
