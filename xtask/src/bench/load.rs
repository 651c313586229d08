//! The load: closed loop, kept-alive connections, every answer checked.

use std::{
    fs,
    io::{BufRead, BufReader, Read, Write as _},
    net::TcpStream,
    sync::atomic::{AtomicBool, Ordering},
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context as _, bail};

use super::{targets::Target, upstream::MARKER};

const CONNECTIONS: usize = 16;

/// What one round showed.
pub struct Measured {
    /// Answers per second.
    pub per_second: f64,
    /// Microseconds of processor time per answer, over all threads of the target.
    pub cpu_micros: f64,
}

pub fn run(target: &Target, long: Duration) -> anyhow::Result<Measured> {
    let stop = AtomicBool::new(false);
    let (before, started) = (processor_nanos(target.process)?, Instant::now());
    let loops: Vec<(u64, TcpStream)> = thread::scope(|scope| {
        let loops: Vec<_> = (0..CONNECTIONS).map(|_| scope.spawn(|| answers(target, &stop))).collect();
        thread::sleep(long);
        stop.store(true, Ordering::Relaxed);
        loops
            .into_iter()
            .map(|it| it.join().unwrap_or_else(|_| bail!("a connection panicked")))
            .collect::<anyhow::Result<_>>()
    })?;
    let took = started.elapsed();
    // The connections are still open: a target with a thread for each keeps it until it was counted.
    let cpu = processor_nanos(target.process)?.saturating_sub(before);
    let answers = loops.iter().map(|(count, _)| count).sum::<u64>() as f64;
    if answers == 0.0 {
        bail!("not one answer");
    }
    Ok(Measured { per_second: answers / took.as_secs_f64(), cpu_micros: cpu as f64 / 1000.0 / answers })
}

/// Asks until told to stop; how often it was answered, and the connection.
fn answers(target: &Target, stop: &AtomicBool) -> anyhow::Result<(u64, TcpStream)> {
    let mut connection = TcpStream::connect(("127.0.0.1", target.port))?;
    connection.set_nodelay(true)?;
    connection.set_read_timeout(Some(Duration::from_secs(10)))?;
    let mut reader = BufReader::new(connection.try_clone()?);
    let mut count = 0;
    while !stop.load(Ordering::Relaxed) {
        connection.write_all(target.request.as_bytes())?;
        let (status, body) = answer(&mut reader)?;
        if !status.contains(" 200") || !body.contains(MARKER) {
            bail!("unexpected answer: {} {body}", status.trim());
        }
        count += 1;
    }
    Ok((count, connection))
}

/// One response: its status line and its body, by length or in chunks.
fn answer(reader: &mut BufReader<TcpStream>) -> anyhow::Result<(String, String)> {
    let status = line(reader)?;
    let (mut length, mut chunked) = (None, false);
    loop {
        let header = line(reader)?.to_ascii_lowercase();
        if header == "\r\n" {
            break;
        }
        if let Some(value) = header.strip_prefix("content-length:") {
            length = Some(value.trim().parse()?);
        }
        chunked |= header.starts_with("transfer-encoding:") && header.contains("chunked");
    }
    let mut body = Vec::new();
    if chunked {
        loop {
            let size = usize::from_str_radix(line(reader)?.trim(), 16)?;
            exactly(reader, size, &mut body)?;
            line(reader)?;
            if size == 0 {
                break;
            }
        }
    } else {
        exactly(reader, length.context("an answer without a length")?, &mut body)?;
    }
    Ok((status, String::from_utf8_lossy(&body).into_owned()))
}

fn line(reader: &mut BufReader<TcpStream>) -> anyhow::Result<String> {
    let mut line = String::new();
    if reader.read_line(&mut line)? == 0 {
        bail!("the connection was closed");
    }
    Ok(line)
}

fn exactly(reader: &mut impl Read, size: usize, body: &mut Vec<u8>) -> anyhow::Result<()> {
    let start = body.len();
    body.resize(start + size, 0);
    Ok(reader.read_exact(&mut body[start..])?)
}

/// Processor time of all threads of a process: finer than the ticks of `/proc/PID/stat`.
fn processor_nanos(process: u32) -> anyhow::Result<u64> {
    let mut nanos = 0;
    for thread in fs::read_dir(format!("/proc/{process}/task"))? {
        let path = thread?.path().join("schedstat");
        // A thread may end while we look.
        let text = fs::read_to_string(path).unwrap_or_default();
        nanos += text.split(' ').next().and_then(|first| first.parse::<u64>().ok()).unwrap_or(0);
    }
    Ok(nanos)
}
