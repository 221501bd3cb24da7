//! Games for people, the served page, and a client for HTTP without any library's kindness.

use std::{
    cell::RefCell,
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::TcpStream,
    process::{Child, ExitStatus, Stdio},
    time::Duration,
};

use serde_json::{Value, json};

use super::support::Bench;

/// What would tell a buyer the quality, or how often it is high.
const QUALITY: &[&str] = &[
    "\"good\":true",
    "\"good\":false",
    "was of high",
    "was of low",
    "0.3791",
    "37.91",
];

/// A game for a person in one seat.
pub(super) struct Game {
    pub(super) family: &'static str,
    pub(super) seat: &'static str,
    args: &'static str,
    rival: &'static str,
    /// What must not be told.
    pub(super) secrets: &'static [&'static str],
}

impl Game {
    pub(super) fn bargaining(seat: &'static str) -> Self {
        Self {
            family: "bargaining",
            seat,
            args: "money = 100, rounds = 4, delta_alice = 0.9, delta_bob = 0.8, messages = true",
            rival: "id = \"fixed_share\"\nargs = { ask = 0.55, take = 0.4 }",
            secrets: &[],
        }
    }

    pub(super) fn negotiation(seat: &'static str) -> Self {
        Self {
            family: "negotiation",
            seat,
            args: "money = 100, rounds = 5, seller_value = 0.8, buyer_value = 1.2",
            rival: "id = \"boulware\"",
            secrets: &[],
        }
    }

    pub(super) fn persuasion(seat: &'static str) -> Self {
        let rival = if seat == "seller" {
            "id = \"threshold_buyer\""
        } else {
            "id = \"honest_seller\""
        };
        Self {
            family: "persuasion",
            seat,
            args: "money = 100, rounds = 3, value_high = 2.0",
            rival,
            secrets: &[],
        }
    }

    /// Games in which something is hidden that can be recognised.
    pub(super) fn secretive() -> Vec<Self> {
        vec![
            Self {
                args: "money = 100, rounds = 4, delta_bob = 0.8731, complete_information = false, messages = true",
                rival: "id = \"boulware\"",
                secrets: &["0.8731", "12.69", "87.31"],
                ..Self::bargaining("alice")
            },
            Self {
                args: "money = 100, rounds = 4, buyer_value = 1.3717, complete_information = false",
                secrets: &["1.3717", "137.17"],
                ..Self::negotiation("alice")
            },
            Self {
                args: "money = 100, rounds = 3, value_high = 2.7193, seller_knows_values = false, seller_message = \"text\"",
                secrets: &["2.7193", "271.93"],
                ..Self::persuasion("seller")
            },
            Self {
                args: "money = 100, rounds = 3, p = 0.3791, buyer_knows_p = false, reveal = \"never\"",
                secrets: QUALITY,
                ..Self::persuasion("buyer")
            },
        ]
    }

    pub(super) fn name(&self) -> String {
        format!("{}-{}", self.family, self.seat)
    }

    /// The experiment; arguments of the person's agent can be added at its end.
    pub(super) fn config(&self) -> String {
        let seats = if self.family == "persuasion" {
            ["seller", "buyer"]
        } else {
            ["alice", "bob"]
        };
        let other = if self.seat == seats[0] {
            seats[1]
        } else {
            seats[0]
        };
        format!(
            "schema = 1\nexperiment = {{ name = \"game\", seeds = [7], total_env_steps = 0 }}\n\
             env = {{ id = \"glee_{}_text-v1\", args = {{ {} }} }}\neval = {{ episodes = 1 }}\n\
             log = {{ tensorboard = false }}\n\
             [[agents]]\n{}\nplayers = [\"{other}\"]\n[[agents]]\nid = \"human\"\nplayers = [\"{}\"]\n",
            self.family, self.args, self.rival, self.seat
        )
    }

    /// What a person enters in a turn.
    pub(super) fn entry(&self, turn: &Value) -> Value {
        let asked = &turn["asked"];
        let late = asked["round"].as_u64().unwrap_or(0) >= 3;
        match self.family {
            "persuasion" => json!({"choice": "yes", "message": "It is as good as new."}),
            _ if asked["amount"].is_object() => json!({"amount": "97"}),
            _ if late => json!({"choice": "a"}),
            _ => json!({"choice": "r"}),
        }
    }
}

/// A page that is being served.
pub(super) struct Served {
    child: RefCell<Child>,
    pub(super) url: String,
    pub(super) port: u16,
    pub(super) token: String,
}

impl Served {
    pub(super) fn start(bench: &Bench, args: &[&str]) -> Self {
        let mut command = bench.command(args);
        let mut child = command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        let stdout = child.stdout.take().unwrap();
        BufReader::new(stdout).read_line(&mut line).unwrap();
        let url = line.split(' ').find(|word| word.starts_with("http://"));
        let url = url
            .unwrap_or_else(|| panic!("no address in {line:?}"))
            .to_owned();
        let (site, token) = url.split_once("/?token=").unwrap();
        let port = site.rsplit(':').next().unwrap().parse().unwrap();
        Self {
            child: child.into(),
            port,
            token: token.to_owned(),
            url,
        }
    }

    fn ask(&self, method: &str, path: &str, body: &str) -> (u16, String) {
        let host = format!("127.0.0.1:{}", self.port);
        let headers = [("Host", host.as_str()), ("X-Palaestra-Token", &self.token)];
        let (head, text) = http(self.port, method, path, &headers, body);
        (head.split(' ').nth(1).unwrap().parse().unwrap(), text)
    }

    pub(super) fn get(&self, path: &str) -> (u16, String) {
        self.ask("GET", path, "")
    }

    /// The view once it is of this phase.
    pub(super) fn until(&self, phase: &str) -> Value {
        let mut version = 0;
        loop {
            let (_, text) = self.get(&format!("/api/state?after={version}"));
            let view: Value = serde_json::from_str(&text).unwrap();
            if view["phase"] == phase {
                return view;
            }
            version = view["version"].as_u64().unwrap();
        }
    }

    pub(super) fn post(&self, path: &str, body: &Value) -> (u16, String) {
        self.ask("POST", path, &body.to_string())
    }

    /// Waits for the program to end.
    pub(super) fn wait(&self) -> ExitStatus {
        self.child.borrow_mut().wait().unwrap()
    }
}

/// No program outlives its test.
impl Drop for Served {
    fn drop(&mut self) {
        let child = self.child.get_mut();
        let _ = child.kill();
        let _ = child.wait();
    }
}

/// Sends a request with these headers and no others but the length; gives head and body of the response.
pub(super) fn http(
    port: u16,
    method: &str,
    path: &str,
    headers: &[(&str, &str)],
    body: &str,
) -> (String, String) {
    let mut request = format!(
        "{method} {path} HTTP/1.1\r\nContent-Length: {}\r\n",
        body.len()
    );
    for (name, value) in headers {
        request.extend([name, ": ", value, "\r\n"]);
    }
    request += "\r\n";
    let mut stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
    stream
        .set_read_timeout(Some(Duration::from_mins(1)))
        .unwrap();
    stream.write_all(request.as_bytes()).unwrap();
    // Who refuses a request does not read its body.
    let _ = stream.write_all(body.as_bytes());
    // Not every server closes the connection: the length says when a reply is complete.
    let (mut reply, mut piece) = (Vec::new(), [0; 1 << 13]);
    while !is_complete(&reply) {
        match stream.read(&mut piece) {
            Ok(0) | Err(_) => break,
            Ok(read) => reply.extend(&piece[..read]),
        }
    }
    let reply = String::from_utf8(reply).unwrap();
    let (head, body) = reply.split_once("\r\n\r\n").unwrap_or((&reply, ""));
    (head.to_owned(), body.to_owned())
}

fn is_complete(reply: &[u8]) -> bool {
    let Some(end) = reply.windows(4).position(|four| four == b"\r\n\r\n") else {
        return false;
    };
    let head = String::from_utf8_lossy(&reply[..end]).to_lowercase();
    let mut lengths = head
        .lines()
        .filter_map(|line| line.strip_prefix("content-length:"));
    let length = lengths
        .next()
        .and_then(|length| length.trim().parse::<usize>().ok());
    length.is_some_and(|length| reply.len() >= end + 4 + length)
}
