//! A TSA of OpenSSL's, which lives in a directory of the test.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use tempfile::TempDir;

/// An object identifier of `TSTInfo`, as CMS names what is signed.
pub const TST_INFO: &str = "1.2.840.113549.1.9.16.1.4";

const CONFIG: &str = "
[req]
distinguished_name = name
[name]
[ts]
serial = serial
default_policy = 1.2.3
digests = sha256
accuracy = secs:1, millisecs:500
tsa_name = yes
signer_digest = sha256
ess_cert_id_alg = sha256
[ca_bare]
basicConstraints = critical, CA:true
subjectKeyIdentifier = none
authorityKeyIdentifier = none
[ca]
basicConstraints = critical, CA:true
[ca0]
basicConstraints = critical, CA:true, pathlen:0
[ca_no_sign]
basicConstraints = critical, CA:true
keyUsage = cRLSign
[ca_mail]
basicConstraints = critical, CA:true
extendedKeyUsage = emailProtection
[no_ca]
basicConstraints = critical, CA:false
[tsa]
keyUsage = critical, digitalSignature
extendedKeyUsage = critical, timeStamping
[tsa_not_critical]
extendedKeyUsage = timeStamping
[tsa_and_mail]
extendedKeyUsage = critical, timeStamping, emailProtection
[tsa_server]
extendedKeyUsage = critical, serverAuth
[tsa_no_usage]
keyUsage = critical, digitalSignature
[tsa_encrypts]
keyUsage = critical, keyEncipherment
extendedKeyUsage = critical, timeStamping
[tsa_unknown]
extendedKeyUsage = critical, timeStamping
1.2.3.4.5 = critical, DER:0500
";

/// Keys, certificates and answers, in one directory.
pub struct Authority {
    dir: TempDir,
}

impl Authority {
    /// With a root called `root`.
    pub fn new() -> Self {
        let authority = Authority {
            dir: TempDir::new().unwrap(),
        };
        std::fs::write(authority.path("conf"), CONFIG).unwrap();
        std::fs::write(authority.path("serial"), "01").unwrap();
        authority.root("root", "/CN=Root", "rsa:2048", "ca", 3650);
        authority
    }

    /// Where a file of it is.
    pub fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    pub fn read(&self, name: &str) -> Vec<u8> {
        std::fs::read(self.path(name)).unwrap()
    }

    /// The certificate of a name.
    pub fn certificate(&self, name: &str) -> Vec<u8> {
        self.read(&format!("{name}.pem"))
    }

    /// Makes a key and a certificate that is signed by itself.
    pub fn root(&self, name: &str, subject: &str, key: &str, extensions: &str, days: u32) {
        let (days, out) = (days.to_string(), format!("{name}.pem"));
        let own = ["-x509", "-days", &days, "-extensions", extensions];
        self.request(name, subject, key, &[&own[..], &["-out", &out]].concat());
    }

    fn request(&self, name: &str, subject: &str, key: &str, more: &[&str]) {
        let file = format!("{name}.key");
        let kind: Vec<&str> = match key.strip_prefix("ec:") {
            Some(_) => vec!["-newkey", "ec", "-pkeyopt"],
            None => vec!["-newkey"],
        };
        let curve = key.replacen("ec:", "ec_paramgen_curve:", 1);
        let common = ["req", "-config", "conf", "-nodes", "-keyout", &file];
        self.run(&[&common[..], &kind, &[&curve, "-subj", subject], more].concat());
    }

    /// Makes a key and a certificate of `name`, signed by `issuer`.
    pub fn issue(&self, name: &str, key: &str, issuer: &str, extensions: &str) {
        let subject = format!("/CN=TSA {name}");
        let request = format!("{name}.csr");
        self.request(name, &subject, key, &["-out", &request]);
        let (out, by, by_key) = (
            format!("{name}.pem"),
            format!("{issuer}.pem"),
            format!("{issuer}.key"),
        );
        let files = ["-in", &request, "-CA", &by, "-CAkey", &by_key, "-out", &out];
        let rest = [
            "-days",
            "365",
            "-extfile",
            "conf",
            "-extensions",
            extensions,
        ];
        self.run(&[&["x509", "-req", "-CAcreateserial"], &files[..], &rest].concat());
    }

    /// What `openssl ts` answers to a request, with the certificates of `chain`.
    pub fn answer(&self, name: &str, request: &[u8], chain: &[&str]) -> Vec<u8> {
        std::fs::write(self.path("query"), request).unwrap();
        let all: Vec<u8> = chain
            .iter()
            .flat_map(|name| self.certificate(name))
            .collect();
        std::fs::write(self.path("chain"), &all).unwrap();
        let (signer, key) = (format!("{name}.pem"), format!("{name}.key"));
        let mut arguments = vec!["ts", "-reply", "-config", "conf", "-section", "ts"];
        arguments.extend(["-queryfile", "query", "-signer", &signer, "-inkey", &key]);
        arguments.extend(["-out", "answer"]);
        if !chain.is_empty() {
            arguments.extend(["-chain", "chain"]);
        }
        self.run(&arguments);
        self.read("answer")
    }

    /// A token of `name` over any bytes, signed with `openssl cms` and more options.
    pub fn sign(&self, name: &str, info: &[u8], options: &[&str]) -> Vec<u8> {
        let cades = [&["-cades", "-md", "sha256"], options].concat();
        self.cms(name, info, TST_INFO, &cades)
    }

    /// A message of `name`, with no option but these.
    pub fn cms(&self, name: &str, info: &[u8], kind: &str, options: &[&str]) -> Vec<u8> {
        std::fs::write(self.path("info"), info).unwrap();
        let (signer, key) = (format!("{name}.pem"), format!("{name}.key"));
        let mut arguments = vec!["cms", "-sign", "-binary", "-nodetach", "-nosmimecap"];
        arguments.extend(["-econtent_type", kind, "-in", "info", "-outform", "DER"]);
        arguments.extend(["-out", "token", "-signer", &signer, "-inkey", &key]);
        arguments.extend(options);
        self.run(&arguments);
        self.read("token")
    }

    /// Runs OpenSSL in the directory. It must succeed.
    fn run(&self, arguments: &[&str]) {
        let output = self.ask(arguments);
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "openssl {arguments:?}: {stderr}");
    }

    /// What OpenSSL says.
    pub fn ask(&self, arguments: &[&str]) -> Output {
        openssl(self.dir.path()).args(arguments).output().unwrap()
    }
}

fn openssl(dir: &Path) -> Command {
    let mut command = Command::new("openssl");
    // No configuration of the machine's, which may name other engines or limits.
    command
        .current_dir(dir)
        .env("OPENSSL_CONF", dir.join("conf"));
    command
}
