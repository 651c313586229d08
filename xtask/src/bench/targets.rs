//! What is measured: the upstream itself, nginx before it, Portcullis before it.

use std::{
    env, fs,
    net::{TcpListener, TcpStream},
    path::{Path, PathBuf},
    process::{self, Child, Command, Stdio},
    thread::sleep,
    time::Duration,
};

use anyhow::{Context as _, bail};

use crate::{
    run::{ask, run, shown},
    tools::on_path,
};

pub const NGINX: &str = "nginx, no checks";

/// One way to the answer.
pub struct Target {
    pub name: &'static str,
    pub process: u32,
    pub port: u16,
    pub request: String,
}

/// All targets, running; ended when dropped.
pub struct Ground {
    pub targets: Vec<Target>,
    running: Vec<Child>,
    folder: PathBuf,
    /// Each on its processor?
    pinned: bool,
}

impl Ground {
    pub fn start() -> anyhow::Result<Self> {
        let folder = env::temp_dir().join(format!("portcullis-bench-{}", process::id()));
        fs::create_dir(&folder)?;
        let mut ground = Self { targets: Vec::new(), running: Vec::new(), folder, pinned: true };
        let upstream = ground.upstream()?;
        ground.nginx(upstream)?;
        let product = env::current_dir()?.join("target/release/portcullis");
        ground.portcullis(upstream, &product)?;
        Ok(ground)
    }

    /// Only the upstream and this build of the product, on any processor; the product is the last target.
    pub fn of_product_alone(product: &Path) -> anyhow::Result<Self> {
        let folder = env::temp_dir().join(format!("portcullis-bench-{}", process::id()));
        fs::create_dir(&folder)?;
        let mut ground = Self { targets: Vec::new(), running: Vec::new(), folder, pinned: false };
        let upstream = ground.upstream()?;
        ground.portcullis(upstream, product)?;
        Ok(ground)
    }

    fn upstream(&mut self) -> anyhow::Result<u16> {
        let port = free_port()?;
        let serve = ["bench".to_owned(), "upstream".to_owned(), port.to_string()];
        self.add("upstream itself", "0", &env::current_exe()?, &serve, port, request("/mcp", port, ""))?;
        Ok(port)
    }

    fn nginx(&mut self, upstream: u16) -> anyhow::Result<()> {
        let Some(nginx) = nginx()? else {
            println!("nginx can not be had here: no ratio to it");
            return Ok(());
        };
        let port = free_port()?;
        let folder = self.folder.display().to_string();
        let file = self.folder.join("nginx.conf");
        fs::write(&file, nginx_configuration(&folder, port, upstream))?;
        let arguments = ["-p".to_owned(), folder, "-c".to_owned(), file.display().to_string()];
        self.add(NGINX, "1", &nginx, &arguments, port, request("/mcp", port, "unchecked"))
    }

    fn portcullis(&mut self, upstream: u16, product: &Path) -> anyhow::Result<()> {
        let port = free_port()?;
        let tool = env::current_dir()?.join("target/debug/agent-token");
        let key = self.folder.join("agent.pem");
        let jwk = ask(Command::new(&tool).arg("key").arg(&key)).context("agent-token made no key")?;
        let data = self.folder.join("data");
        let file = self.folder.join("portcullis.yaml");
        fs::write(&file, portcullis_configuration(port, upstream, &data, &jwk))?;
        let serve = ["serve".to_owned(), "--config".to_owned(), file.display().to_string()];
        self.add("portcullis", "1", product, &serve, port, String::new())?;
        let url = format!("http://localhost:{port}/mcp/bench");
        let token = Command::new(&tool).arg("token").arg(&key).args(["nightly", &url]).output()?;
        if !token.status.success() {
            bail!("no token: {}", String::from_utf8_lossy(&token.stderr));
        }
        if let Some(target) = self.targets.last_mut() {
            target.request = request("/mcp/bench", port, String::from_utf8_lossy(&token.stdout).trim());
        }
        Ok(())
    }

    /// Starts a program on one processor and waits until it listens.
    fn add(
        &mut self,
        name: &'static str,
        processor: &str,
        program: &Path,
        arguments: &[String],
        port: u16,
        request: String,
    ) -> anyhow::Result<()> {
        let log = fs::File::create(self.folder.join(format!("{name}.log")))?;
        let mut command = Command::new(if self.pinned { Path::new("taskset") } else { program });
        if self.pinned {
            command.args(["-c", processor]).arg(program);
        }
        command.args(arguments).stdin(Stdio::null());
        let child = command.stdout(log.try_clone()?).stderr(log).spawn().with_context(|| shown(&command))?;
        // `taskset` becomes the program, so this is its process.
        self.targets.push(Target { name, process: child.id(), port, request });
        self.running.push(child);
        for _ in 0..100 {
            if TcpStream::connect(("127.0.0.1", port)).is_ok() {
                return Ok(());
            }
            sleep(Duration::from_millis(100));
        }
        let log = fs::read_to_string(self.folder.join(format!("{name}.log"))).unwrap_or_default();
        bail!("{name} does not listen: {log}")
    }
}

impl Drop for Ground {
    fn drop(&mut self) {
        for child in &mut self.running {
            let _ = child.kill();
            let _ = child.wait();
        }
        let _ = fs::remove_dir_all(&self.folder);
    }
}

/// `tools/call` at revision 2026-07-28.
fn request(path: &str, port: u16, token: &str) -> String {
    let body = r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"echo","arguments":{"text":"hello"},"_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientCapabilities":{}}}}"#;
    let head = [
        format!("POST {path} HTTP/1.1"),
        format!("host: localhost:{port}"),
        format!("authorization: Bearer {token}"),
        "accept: application/json, text/event-stream".to_owned(),
        "content-type: application/json".to_owned(),
        "mcp-protocol-version: 2026-07-28".to_owned(),
        "mcp-method: tools/call".to_owned(),
        "mcp-name: echo".to_owned(),
        format!("content-length: {}", body.len()),
    ];
    format!("{}\r\n\r\n{body}", head.join("\r\n"))
}

/// A plain proxy: streams both ways, drops the credential, keeps connections.
fn nginx_configuration(folder: &str, port: u16, upstream: u16) -> String {
    format!(
        "daemon off; master_process off; worker_processes 1; pid {folder}/nginx.pid; error_log stderr;
events {{ worker_connections 1024; }}
http {{
  access_log off;
  client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy; fastcgi_temp_path {folder}/fastcgi;
  uwsgi_temp_path {folder}/uwsgi; scgi_temp_path {folder}/scgi;
  upstream up {{ server 127.0.0.1:{upstream}; keepalive 64; }}
  server {{
    listen 127.0.0.1:{port}; keepalive_requests 100000000;
    location / {{
      proxy_pass http://up; proxy_http_version 1.1; proxy_buffering off;
      proxy_set_header connection \"\"; proxy_set_header authorization \"\";
    }}
  }}
}}
"
    )
}

fn portcullis_configuration(port: u16, upstream: u16, data: &Path, jwk: &str) -> String {
    let data = data.display();
    format!(
        "public_url: http://localhost:{port}
listen: 127.0.0.1:{port}
store: sqlite:{data}
data_dir: {data}
people:
  ada: {{ name: Ada }}
agents:
  nightly:
    owner: ada
    purpose: Be fast
    public_key: {jwk}
    servers: [bench]
tokens:
  client_credentials: 10m
servers:
  bench:
    url: http://127.0.0.1:{upstream}/mcp
    tools:
      echo: low
"
    )
}

/// nginx of the machine, or Debian's unpacked below `target/tools`: nothing is installed or started by it.
fn nginx() -> anyhow::Result<Option<PathBuf>> {
    let found = || on_path("nginx").or_else(|| Some(PathBuf::from("/usr/sbin/nginx")).filter(|it| it.exists()));
    let unpacked = env::current_dir()?.join("target/tools/nginx/usr/sbin/nginx");
    if let Some(nginx) = found().or_else(|| Some(unpacked.clone()).filter(|it| it.exists())) {
        return Ok(Some(nginx));
    }
    let folder = Path::new("target/tools/nginx");
    fs::create_dir_all(folder)?;
    if run(Command::new("apt-get")
        .args(["-qq", "-o", "APT::Sandbox::User=root", "download", "nginx"])
        .current_dir(folder))
    .is_err()
    {
        return Ok(None);
    }
    for package in fs::read_dir(folder)? {
        let package = package?.path();
        if package.extension().is_some_and(|extension| extension == "deb") {
            run(Command::new("dpkg").arg("-x").arg(&package).arg(folder))?;
        }
    }
    Ok(Some(unpacked).filter(|it| it.exists()))
}

fn free_port() -> anyhow::Result<u16> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?.port())
}
