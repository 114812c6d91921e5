//! Options of the drivers 6 and 7 of Node, and what each means here.

use std::collections::BTreeMap;

/// Options and their values, by name.
pub type Options = BTreeMap<&'static str, String>;

/// The consequence of an option.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Meaning {
    /// Our driver does what Node's does.
    Honoured(Value),
    /// It has no effect here. Nobody need be told where it has this value.
    NoEffect(&'static str),
    /// It decides who is connected to or trusted, and cannot be honoured.
    Unsupported,
}

use Meaning::{Honoured, NoEffect, Unsupported};

/// The form of a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Value {
    Bool,
    /// A whole number that is not negative.
    Uint,
    Text,
}

use Value::{Bool, Text, Uint};

/// By the names that the documentation of the driver uses.
const OPTIONS: &[(Meaning, &str)] = &[
    (
        Honoured(Bool),
        "directConnection loadBalanced retryReads retryWrites ssl tls \
         tlsAllowInvalidCertificates tlsAllowInvalidHostnames tlsInsecure",
    ),
    (
        Honoured(Uint),
        "connectTimeoutMS heartbeatFrequencyMS localThresholdMS maxIdleTimeMS srvMaxHosts",
    ),
    (
        Honoured(Text),
        "appName authMechanism authSource dbName replicaSet serverMonitoringMode \
         srvServiceName tlsCAFile tlsCertificateKeyFile",
    ),
    // Writes ask for a majority and the journal, and reads go to the primary.
    (NoEffect("majority"), "readConcernLevel w writeConcern"),
    (NoEffect("primary"), "readPreference"),
    (NoEffect("true"), "j journal"),
    (NoEffect("none"), "compressors"),
    // Only mechanisms that are not supported read `authMechanismProperties`.
    (
        NoEffect(""),
        "allowPartialTrustChain authMechanismProperties autoSelectFamily \
         autoSelectFamilyAttemptTimeout bsonRegExp checkKeys driverInfo \
         enableOverloadRetargeting enableTrace enableUtf8Validation family fieldsAsRaw \
         forceServerObjectId fsync hints ignoreUndefined index keepAlive \
         keepAliveInitialDelay maxAdaptiveRetries maxConnecting maxPoolSize \
         maxStalenessSeconds minHeartbeatFrequencyMS minInternalBufferSize minPoolSize \
         mongodbLogComponentSeverities mongodbLogMaxDocumentLength mongodbLogPath \
         monitorCommands name noDelay pkFactory promoteBuffers promoteLongs promoteValues raw \
         readConcern readPreferenceTags requestCert requestOCSP runtimeAdapters \
         serializeFunctions serverSelectionTimeoutMS session socketTimeoutMS \
         srvAllowedHostsSuffix srvHostValidator srvPoller timeoutMS useBigInt64 \
         useNewUrlParser useUnifiedTopology waitQueueTimeoutMS wtimeout wtimeoutMS \
         zlibCompressionLevel __skipPingOnConnect",
    ),
    (
        Unsupported,
        "ALPNProtocols SNICallback auth autoEncryption ca cert checkServerIdentity ciphers \
         connectionType crl ecdhCurve key localAddress localPort lookup minDHSize passphrase \
         pfx proxyHost proxyPassword proxyPort proxyUsername pskCallback rejectUnauthorized \
         secureContext secureProtocol serverApi servername tlsCRLFile \
         tlsCertificateKeyFilePassword",
    ),
];

/// The documented name of an option and its meaning; names differ by more than case.
pub fn find(name: &str) -> Option<(&'static str, Meaning)> {
    OPTIONS.iter().find_map(|(meaning, names)| {
        let mut names = names.split(' ');
        let known = names.find(|known| known.eq_ignore_ascii_case(name))?;
        Some((known, *meaning))
    })
}

/// Names of the options without which a connection reaches the same servers, and trusts the same ones.
pub fn harmless() -> impl Iterator<Item = &'static str> {
    let harmless = OPTIONS
        .iter()
        .filter(|(meaning, _)| *meaning != Unsupported);
    harmless.flat_map(|(_, names)| names.split(' '))
}
