//! The page of `palaestra play --web` in a real browser, driven over the `WebDriver` protocol (W3C): Chromium without
//! a window.
//!
//! Where there is no `chromium` or no `chromedriver` and not on the machines that must have them (`CI` is set), the tests say so
//! and are left out.

use std::{
    io::{BufRead as _, BufReader, Write as _},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use serde_json::{Value, json};

use super::{
    play::{against_hostile, hostile},
    play_support::{Game, Served, http},
    support::Bench,
};

const ENTER: &str = "\u{e007}";
const TAB: &str = "\u{e004}";
const SHIFT_TAB: &str = "\u{e008}\u{e004}\u{e008}";
const LEFT: &str = "\u{e012}";

/// Whether a program can be started.
fn has(program: &str) -> bool {
    let mut command = Command::new(program);
    command
        .arg("--version")
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    command.status().is_ok_and(|status| status.success())
}

/// A browser with one window.
struct Browser {
    driver: Child,
    port: u16,
    session: String,
    profile: tempfile::TempDir,
}

impl Browser {
    /// `None`, with the reason printed, where there is none.
    fn start(size: &str) -> Option<Self> {
        let missing = ["chromium", "chromedriver"]
            .into_iter()
            .find(|program| !has(program));
        if let Some(program) = missing {
            assert!(
                std::env::var_os("CI").is_none(),
                "`{program}` is not installed"
            );
            let _ = writeln!(
                std::io::stderr(),
                "left out: `{program}` is not installed (Debian: chromium, chromium-driver)"
            );
            return None;
        }
        let mut driver = Command::new("chromedriver")
            .arg("--port=0")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut out = BufReader::new(driver.stdout.take().unwrap());
        let port = loop {
            let mut line = String::new();
            assert!(
                out.read_line(&mut line).unwrap() > 0,
                "chromedriver tells no port"
            );
            let told = line.split("successfully on port ").nth(1);
            if let Some(port) = told.and_then(|port| port.trim().trim_end_matches('.').parse().ok())
            {
                break port;
            }
        };
        // What it goes on to say is not read, but taken.
        std::thread::spawn(move || std::io::copy(&mut out, &mut std::io::sink()));
        let profile = tempfile::tempdir().unwrap();
        let mut browser = Self {
            driver,
            port,
            session: String::new(),
            profile,
        };
        let flags = [
            "--headless".to_owned(),
            "--no-sandbox".into(),
            "--disable-gpu".into(),
            "--disable-dev-shm-usage".into(),
            "--disable-quic".into(),
            "--no-first-run".into(),
            "--disable-background-networking".into(),
            "--disable-component-update".into(),
            "--disable-sync".into(),
            format!("--window-size={size}"),
            format!("--user-data-dir={}", browser.profile.path().display()),
        ];
        let wanted = json!({"capabilities": {"alwaysMatch": {
            "goog:chromeOptions": {"args": flags},
            "goog:loggingPrefs": {"browser": "ALL"},
        }}});
        let session = browser.call("POST", "", &wanted);
        browser.session = format!("/{}", session["sessionId"].as_str().unwrap());
        Some(browser)
    }

    fn call(&self, method: &str, path: &str, body: &Value) -> Value {
        let host = format!("127.0.0.1:{}", self.port);
        let headers = [
            ("Host", host.as_str()),
            ("Content-Type", "application/json"),
            ("Connection", "close"),
        ];
        let body = if method == "POST" {
            body.to_string()
        } else {
            String::new()
        };
        let path = format!("/session{}{path}", self.session);
        let (head, text) = http(self.port, method, &path, &headers, &body);
        assert!(head.contains(" 200 "), "{method} {path}: {head}\n{text}");
        let mut reply: Value = serde_json::from_str(&text).unwrap();
        reply["value"].take()
    }

    fn open(&self, url: &str) {
        self.call("POST", "/url", &json!({ "url": url }));
    }

    /// The value of an expression in the page.
    fn eval(&self, expression: &str) -> Value {
        let script = json!({ "script": format!("return ({expression});"), "args": [] });
        self.call("POST", "/execute/sync", &script)
    }

    /// Waits until an expression is true.
    fn until(&self, expression: &str) {
        let patience = Instant::now() + Duration::from_mins(1);
        while self.eval(expression) != true {
            let page = || self.eval("document.body.innerText");
            assert!(Instant::now() < patience, "never: {expression}\n{}", page());
            std::thread::sleep(Duration::from_millis(30));
        }
    }

    /// Presses keys where the focus is.
    fn press(&self, keys: &str) {
        let press = keys.chars().flat_map(|key| {
            // Shift is held from its first to its second appearance.
            let kinds: &[&str] = if key == '\u{e008}' {
                &[]
            } else {
                &["keyDown", "keyUp"]
            };
            kinds
                .iter()
                .map(move |kind| json!({ "type": kind, "value": key.to_string() }))
        });
        let mut actions: Vec<Value> = press.collect();
        if keys.contains('\u{e008}') {
            actions.insert(0, json!({ "type": "keyDown", "value": "\u{e008}" }));
            actions.push(json!({ "type": "keyUp", "value": "\u{e008}" }));
        }
        let source =
            json!({ "actions": [{ "type": "key", "id": "keyboard", "actions": actions }] });
        self.call("POST", "/actions", &source);
    }

    fn click(&self, css: &str) {
        let element = self.call(
            "POST",
            "/element",
            &json!({ "using": "css selector", "value": css }),
        );
        let id = element
            .as_object()
            .unwrap()
            .values()
            .next()
            .unwrap()
            .as_str()
            .unwrap()
            .to_owned();
        self.call("POST", &format!("/element/{id}/click"), &json!({}));
    }

    /// What the browser has complained about.
    fn complaints(&self) -> Vec<String> {
        let log = self.call("POST", "/se/log", &json!({ "type": "browser" }));
        let entries = log.as_array().unwrap().iter();
        let entries = entries.map(|entry| entry["message"].as_str().unwrap().to_owned());
        // A refused entry is one; browsers ask for a picture that there is not.
        entries
            .filter(|said| !said.contains("422") && !said.contains("favicon"))
            .collect()
    }

    /// Writes what is seen to the folder in `PALAESTRA_PICTURES`, if it is set.
    fn picture(&self, name: &str) {
        let Some(folder) = std::env::var_os("PALAESTRA_PICTURES") else {
            return;
        };
        let encoded = self.call("GET", "/screenshot", &Value::Null);
        let path = std::path::Path::new(&folder).join(format!("{name}.png.base64"));
        std::fs::write(path, encoded.as_str().unwrap()).unwrap();
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        if !self.session.is_empty() && !std::thread::panicking() {
            self.call("DELETE", "", &Value::Null);
        }
        let _ = self.driver.kill();
        let _ = self.driver.wait();
    }
}

const FOCUS: &str = "document.activeElement.id || document.activeElement.dataset.word";

/// The title of the panel, which names what is due.
fn is_titled(title: &str) -> String {
    format!("document.getElementById('panel-title').textContent === '{title}'")
}

/// Check 18: a game of each family, bargaining by the keyboard alone.
#[test]
fn a_browser_plays_a_game_of_each_family() {
    let Some(browser) = Browser::start("1180,900") else {
        return;
    };
    let bench = Bench::new();
    for game in Game::secretive() {
        let name = game.name();
        bench.write("game.toml", &game.config());
        let served = Served::start(&bench, &["play", "game.toml", "--web", "--out", &name]);
        browser.open(&served.url);
        match game.family {
            "bargaining" => by_keyboard(&browser),
            "negotiation" => by_mouse(&browser),
            _ => round_by_round(&browser, game.seat),
        }
        browser.until(&is_titled("Result"));
        assert!(served.wait().success());
        browser.until("document.getElementById('result').textContent.includes('can be closed')");
        browser.picture(&format!("{name}-result"));
        assert_eq!(browser.complaints(), Vec::<String>::new(), "{name}");
        let people = std::fs::read_to_string(bench.path(&name).join("people.jsonl")).unwrap();
        let seen = browser.eval("document.documentElement.innerText");
        for secret in game.secrets {
            assert!(!people.contains(secret), "{name}: {secret} in {people}");
            assert!(
                !seen.as_str().unwrap().contains(secret),
                "{name}: {secret} in {seen}"
            );
        }
        for event in ["\"focus\"", "\"edit\"", "\"send\""] {
            let edits = game.family == "persuasion" && event == "\"edit\"" && game.seat == "buyer";
            assert!(
                edits || people.contains(event),
                "{name}: {event} in {people}"
            );
        }
        assert!(
            bench
                .ok(&["replay", &name, "--verify"])
                .starts_with("1 of 1")
        );
    }
}

fn by_keyboard(browser: &Browser) {
    browser.until(&is_titled("Your proposal"));
    browser.until(&format!("({FOCUS}) === 'amount'"));
    browser.press("101");
    browser.press(ENTER);
    browser.until("document.getElementById('fault').textContent.includes('from 0 to 100')");
    browser.picture("bargaining-fault");
    assert_eq!(browser.eval(FOCUS), "amount");
    browser.press("\u{e003}\u{e003}\u{e003}75");
    assert_eq!(
        browser.eval("document.getElementById('slider').value"),
        "75"
    );
    browser.press(TAB);
    assert_eq!(browser.eval(FOCUS), "slider");
    browser.press(LEFT);
    assert_eq!(
        browser.eval("document.getElementById('amount').value"),
        "74"
    );
    browser.press(TAB);
    assert_eq!(browser.eval(FOCUS), "message");
    browser.press("Time costs us both.");
    browser.picture("bargaining-offer");
    browser.press(TAB);
    assert_eq!(browser.eval(FOCUS), "send");
    browser.press(SHIFT_TAB);
    browser.press(TAB);
    browser.press(ENTER);
    browser.until(&is_titled("Your decision"));
    assert_eq!(browser.eval(FOCUS), "panel-title");
    browser.picture("bargaining-decision");
    browser.press("r");
    assert_eq!(browser.eval(FOCUS), "reject");
    browser.press("a");
    assert_eq!(browser.eval(FOCUS), "accept");
    browser.press(ENTER);
}

fn by_mouse(browser: &Browser) {
    browser.until(&is_titled("Your price"));
    browser.click("#amount");
    browser.press("131.5");
    let means = browser.eval("document.getElementById('amount-means').textContent");
    assert_eq!(means, "A deal at 131.5 would earn you 51.5.");
    browser.picture("negotiation-price");
    browser.click("#send");
    browser.until(&is_titled("Your decision"));
    browser.picture("negotiation-decision");
    browser.click("[data-word=AcceptOffer]");
}

fn round_by_round(browser: &Browser, seat: &str) {
    for round in 1..=3 {
        browser.until(&format!("document.getElementById('round').textContent === 'Round {round} of 3' && !document.getElementById('form').hidden"));
        if round == 2 {
            browser.picture(&format!("persuasion-{seat}"));
        }
        if seat == "seller" {
            browser.click("#message");
            browser.press("You will like it.");
            browser.click("#send");
        } else {
            browser.click("[data-word=yes]");
        }
    }
}

#[test]
fn a_hostile_message_is_only_text_in_the_page_and_a_closed_page_gives_the_game_up() {
    let Some(browser) = Browser::start("420,820") else {
        return;
    };
    let (bench, endpoint) = (Bench::new(), hostile());
    let consent = "[agents.args]\nconsent = \"<b>What you do is kept.</b>\"\n";
    bench.write("game.toml", &(against_hostile(&endpoint) + consent));
    let served = Served::start(&bench, &["play", "game.toml", "--web", "--out", "run"]);
    browser.open(&served.url);
    browser.until(&is_titled("Before you play"));
    let told = browser.eval("document.getElementById('told').textContent");
    assert_eq!(told, "<b>What you do is kept.</b>");
    browser.picture("narrow-consent");
    browser.click("#buttons button");
    browser.until(&is_titled("Your decision"));
    browser.picture("narrow-hostile");
    let rival = browser.eval("document.querySelector('#lines .rival .text').textContent");
    let rival = rival.as_str().unwrap();
    assert!(
        rival.starts_with("<script>window.hacked=1</script><img src=x"),
        "{rival}"
    );
    assert!(rival.contains("desrever⟨200B⟩\nRound 9."), "{rival}");
    let page = browser.eval(
        "[typeof window.hacked, document.scripts.length, document.images.length, \
          document.querySelectorAll('#lines .rival *').length, \
          document.querySelectorAll('#lines .game').length, \
          document.documentElement.scrollWidth <= document.documentElement.clientWidth]",
    );
    // Of the rival there are a name and a text and nothing within; what pretends to be a line of the game is none.
    assert_eq!(page, json!(["undefined", 1, 0, 2, 2, true]));
    // What came in cannot even be run on purpose.
    let ran = browser.eval(
        "(() => { const s = document.createElement('script'); s.textContent = 'window.hacked = 2'; \
          document.body.append(s); return typeof window.hacked; })()",
    );
    assert_eq!(ran, "undefined");
    // To load the page again is not to close it.
    browser.call("POST", "/refresh", &json!({}));
    browser.until(&is_titled("Your decision"));
    browser.open("about:blank");
    assert!(served.wait().success());
    let list = bench.ok(&["replay", "run", "--list"]);
    assert!(list.contains("truncated"), "{list}");
}
