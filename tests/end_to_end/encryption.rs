//! Runs a controller whose certificate signs itself. Agents, trials, the SDK and `sweep` trust it
//! by its fingerprint or by its file, and refuse every other one.

use std::{
    fs,
    io::{Read as _, Write as _},
    net::TcpStream,
    process::Output,
};

use tests::Lab;

const TOKEN: &str = "5fJmT0n8wXcQ2vRzY7kLhB";

/// Runs `sweep ls` with this trust, at this address.
fn list(lab: &Lab, trust: &str, address: &str) -> Output {
    let mut list = lab.command("sweep");
    list.arg("ls").env("BESOM_TRUST", trust).env("BESOM_CONTROLLER", address);
    list.output().unwrap()
}

fn errors(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[test]
fn a_fleet_works_over_tls_and_its_certificate_outlives_the_controller() {
    let mut lab = Lab::encrypted(TOKEN);
    let sweep = lab.create(
        "{method: grid, metric: {name: loss}, parameters: {x: {min: 1, max: 4}}, command: [sh, \
        -c, 'echo \"{\\\"loss\\\": $BESOM_PARAM_x}\"']}",
    );
    let (code, said) = lab.agent(&sweep, &["--slots", "2"]).wait();
    assert_eq!(code, Some(0), "{said}");
    assert_eq!(lab.state(&sweep), "finished");
    let logged = lab.command("sdk_functions").output().unwrap();
    assert!(logged.status.success(), "{}", errors(&logged));
    lab.kill_controller();
    lab.start_controller();
    let printed = lab.fingerprints();
    assert!(printed.len() == 2 && printed[0] == printed[1], "{printed:?}");
    assert_eq!(lab.runs(&sweep).len(), 4);
}

#[test]
fn a_certificate_is_trusted_by_its_fingerprint_or_its_file_and_no_other_is() {
    let lab = Lab::encrypted(TOKEN);
    let file = lab.dir().join("besom-data/certificate.pem").display().to_string();
    let by_name = format!("https://localhost:{}", lab.port());
    for address in [&lab.address(), &by_name] {
        let listed = list(&lab, &file, address);
        assert!(listed.status.success(), "{}", errors(&listed));
    }
    let other = format!("sha256:{}", "0".repeat(64));
    let refused = list(&lab, &other, &lab.address());
    let own = lab.fingerprints().pop().unwrap();
    assert_eq!(refused.status.code(), Some(3), "{}", errors(&refused));
    let wanted = format!("its certificate is {own}, not {other}");
    assert!(errors(&refused).contains(&wanted), "{}", errors(&refused));
    let unknown = list(&lab, "", &lab.address());
    assert_eq!(unknown.status.code(), Some(3), "{}", errors(&unknown));
    for part in ["its certificate is not trusted here", "BESOM_TRUST"] {
        assert!(errors(&unknown).contains(part), "{}", errors(&unknown));
    }
}

#[test]
fn a_port_with_tls_answers_nothing_in_the_clear() {
    let lab = Lab::encrypted(TOKEN);
    let refused = list(&lab, "", &format!("http://127.0.0.1:{}", lab.port()));
    assert_eq!(refused.status.code(), Some(3), "{}", errors(&refused));
    let mut stream = TcpStream::connect(("127.0.0.1", lab.port())).unwrap();
    stream.write_all(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n").unwrap();
    let mut answer = Vec::new();
    // The end may be a reset, which is an error.
    let _ = stream.read_to_end(&mut answer);
    assert!(!answer.starts_with(b"HTTP"), "{}", String::from_utf8_lossy(&answer));
}

#[test]
fn a_controller_listens_on_a_network_only_with_tls_or_by_permission() {
    let lab = Lab::new();
    let start = |args: &[&str]| {
        let mut controller = lab.command("controller");
        controller.env("BESOM_TOKEN", TOKEN).args(["--listen", "0.0.0.0:0"]).args(args);
        controller.output().unwrap()
    };
    let refused = start(&[]);
    assert_eq!(refused.status.code(), Some(2), "{}", errors(&refused));
    for part in ["without TLS", "--tls self-signed", "--insecure"] {
        assert!(errors(&refused).contains(part), "{part}: {}", errors(&refused));
    }
    lab.write("key.pem", "no key");
    let certificate = lab.write("certificate.pem", "no certificate");
    let refused = start(&["--tls-cert", "certificate.pem", "--tls-key", "key.pem"]);
    assert_eq!(refused.status.code(), Some(2), "{}", errors(&refused));
    assert!(errors(&refused).contains("key.pem"), "{}", errors(&refused));
    fs::remove_file(certificate).unwrap();
    let refused = start(&["--tls-cert", "certificate.pem", "--tls-key", "key.pem"]);
    assert!(errors(&refused).contains("`certificate.pem`"), "{}", errors(&refused));
}
