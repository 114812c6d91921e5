//! Error codes of the server, and what each is about. This table alone decides whether a write is repeated
//! as it is, waits for the operator, or is split until the document that is refused stands alone.
//!
//! Sources: `yml` is the list of names in the server's repository,
//! <https://github.com/mongodb/mongo/blob/master/src/mongo/base/error_codes.yml>; `spec` is the list of
//! retryable errors that all drivers follow,
//! <https://github.com/mongodb/specifications/blob/master/source/retryable-writes/retryable-writes.md>;
//! `index` and `size` are numbers that the server's index key generators and size checks use without a
//! name, each seen in the answer of a server 6.0; `atlas` is what MongoDB Atlas adds to the server.

use crate::store::error::Fault;

pub const DUPLICATE_KEY: i32 = 11000;
pub const UNAUTHORIZED: i32 = 13;
/// Of one document it speaks of its content; of a whole command also of its options.
pub const BAD_VALUE: i32 = 2;

/// A code, its fault, and its source with its name there.
struct Code(
    i32,
    Fault,
    #[cfg_attr(not(test), expect(dead_code, reason = "for readers"))] &'static str,
);

const TABLE: &[Code] = &[
    Code(BAD_VALUE, Fault::Content, "yml: BadValue"),
    Code(6, Fault::Moment, "spec: HostUnreachable"),
    Code(7, Fault::Moment, "spec: HostNotFound"),
    Code(9, Fault::Content, "yml: FailedToParse"),
    Code(11, Fault::Connection, "yml: UserNotFound"),
    Code(UNAUTHORIZED, Fault::Collection, "yml: Unauthorized"),
    Code(14, Fault::Content, "yml: TypeMismatch"),
    Code(18, Fault::Connection, "yml: AuthenticationFailed"),
    Code(20, Fault::Collection, "yml: IllegalOperation"),
    Code(22, Fault::Content, "yml: InvalidBSON"),
    Code(24, Fault::Moment, "yml: LockTimeout"),
    Code(26, Fault::Collection, "yml: NamespaceNotFound"),
    Code(43, Fault::Moment, "yml: CursorNotFound"),
    Code(46, Fault::Moment, "yml: LockBusy"),
    Code(50, Fault::Moment, "yml: MaxTimeMSExpired"),
    Code(52, Fault::Content, "yml: DollarPrefixedFieldName"),
    Code(53, Fault::Content, "yml: InvalidIdField"),
    Code(55, Fault::Content, "yml: InvalidDBRef"),
    Code(56, Fault::Content, "yml: EmptyFieldName"),
    Code(57, Fault::Content, "yml: DottedFieldName"),
    Code(59, Fault::Collection, "yml: CommandNotFound"),
    Code(61, Fault::Collection, "yml: ShardKeyNotFound, of a router"),
    Code(64, Fault::Moment, "yml: WriteConcernTimeout"),
    Code(66, Fault::Content, "yml: ImmutableField"),
    Code(70, Fault::Moment, "yml: ShardNotFound, of a router"),
    Code(72, Fault::Collection, "yml: InvalidOptions"),
    Code(73, Fault::Collection, "yml: InvalidNamespace"),
    Code(79, Fault::Collection, "yml: UnknownReplWriteConcern"),
    Code(82, Fault::Moment, "yml: NoProgressMade, of a router"),
    Code(89, Fault::Moment, "spec: NetworkTimeout"),
    Code(91, Fault::Moment, "spec: ShutdownInProgress"),
    Code(100, Fault::Collection, "yml: UnsatisfiableWriteConcern"),
    Code(112, Fault::Moment, "yml: WriteConflict"),
    Code(115, Fault::Collection, "yml: CommandNotSupported"),
    Code(116, Fault::Content, "yml: DocTooLargeForCapped"),
    Code(121, Fault::Content, "yml: DocumentValidationFailure"),
    Code(133, Fault::Moment, "yml: FailedToSatisfyReadPreference"),
    Code(
        134,
        Fault::Moment,
        "spec: ReadConcernMajorityNotAvailableYet",
    ),
    Code(150, Fault::Moment, "yml: StaleEpoch, of a router"),
    Code(166, Fault::Collection, "yml: CommandNotSupportedOnView"),
    Code(167, Fault::Collection, "yml: OptionNotSupportedOnView"),
    Code(171, Fault::Content, "yml: CannotIndexParallelArrays"),
    Code(175, Fault::Moment, "yml: QueryPlanKilled"),
    Code(189, Fault::Moment, "spec: PrimarySteppedDown"),
    Code(202, Fault::Moment, "yml: NetworkInterfaceExceededTimeLimit"),
    Code(215, Fault::Moment, "yml: DatabaseDropPending"),
    Code(216, Fault::Moment, "yml: ElectionInProgress"),
    Code(
        227,
        Fault::Collection,
        "yml: CannotImplicitlyCreateCollection",
    ),
    Code(242, Fault::Collection, "yml: CannotCreateCollection"),
    Code(249, Fault::Moment, "yml: StaleDbVersion, of a router"),
    Code(262, Fault::Moment, "spec: ExceededTimeLimit"),
    Code(264, Fault::Moment, "yml: TooManyFilesOpen"),
    Code(272, Fault::Moment, "yml: MigrationConflict, of a router"),
    Code(276, Fault::Moment, "yml: IndexBuildAborted"),
    Code(279, Fault::Moment, "yml: ClientDisconnect"),
    Code(322, Fault::Collection, "yml: APIVersionError"),
    Code(323, Fault::Collection, "yml: APIStrictError"),
    Code(324, Fault::Collection, "yml: APIDeprecationError"),
    Code(334, Fault::Connection, "yml: MechanismUnavailable"),
    Code(
        338,
        Fault::Moment,
        "yml: ReshardCollectionInProgress, of a router",
    ),
    Code(365, Fault::Moment, "yml: TemporarilyUnavailable"),
    Code(371, Fault::Moment, "yml: UserWritesBlocked"),
    Code(391, Fault::Moment, "yml: ReauthenticationRequired"),
    Code(402, Fault::Moment, "yml: ResourceExhausted"),
    Code(433, Fault::Moment, "yml: AdmissionQueueOverflow"),
    Code(449, Fault::Moment, "yml: RateLimitExceeded"),
    Code(
        453,
        Fault::Moment,
        "yml: InterruptedDueToReshardingCriticalSection",
    ),
    Code(462, Fault::Moment, "yml: IngressRequestRateLimitExceeded"),
    Code(
        8000,
        Fault::Collection,
        "atlas: AtlasError, as of a full quota",
    ),
    Code(9001, Fault::Moment, "spec: SocketException"),
    Code(
        10003,
        Fault::Content,
        "yml: CannotGrowDocumentInCappedNamespace",
    ),
    Code(10058, Fault::Moment, "yml: LegacyNotPrimary"),
    Code(10107, Fault::Moment, "spec: NotWritablePrimary"),
    Code(10334, Fault::Content, "yml: BSONObjectTooLarge"),
    Code(DUPLICATE_KEY, Fault::Content, "yml: DuplicateKey"),
    Code(11600, Fault::Moment, "spec: InterruptedAtShutdown"),
    Code(11601, Fault::Moment, "yml: Interrupted"),
    Code(
        11602,
        Fault::Moment,
        "spec: InterruptedDueToReplStateChange",
    ),
    Code(
        12586,
        Fault::Moment,
        "yml: BackgroundOperationInProgressForDatabase",
    ),
    Code(
        12587,
        Fault::Moment,
        "yml: BackgroundOperationInProgressForNamespace",
    ),
    Code(
        13027,
        Fault::Content,
        "index: 2d, a point outside of its bounds",
    ),
    Code(13388, Fault::Moment, "yml: StaleConfig, of a router"),
    Code(13435, Fault::Moment, "spec: NotPrimaryNoSecondaryOk"),
    Code(13436, Fault::Moment, "spec: NotPrimaryOrSecondary"),
    Code(14031, Fault::Moment, "yml: OutOfDiskSpace"),
    Code(16755, Fault::Content, "index: 2dsphere, no such shape"),
    Code(16766, Fault::Content, "index: hashed, a list"),
    Code(16804, Fault::Content, "index: 2d, no point"),
    Code(
        17261,
        Fault::Content,
        "index: text, a language that is no string",
    ),
    Code(17262, Fault::Content, "index: text, an unknown language"),
    Code(17280, Fault::Content, "yml: OBSOLETE_KeyTooLong"),
    Code(
        17419,
        Fault::Content,
        "size: a document that grows beyond the limit",
    ),
];

/// What the code is about.
pub fn fault_of(code: i32) -> Fault {
    let found = TABLE.binary_search_by_key(&code, |Code(known, ..)| *known);
    found.map_or(Fault::Unknown, |at| TABLE[at].1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_sorted_names_a_source_for_each_code_and_knows_no_other() {
        assert!(TABLE.is_sorted_by(|a, b| a.0 < b.0));
        let sources = ["yml", "spec", "index", "size", "atlas"];
        let has_source = |Code(_, _, source): &Code| {
            source
                .split_once(": ")
                .is_some_and(|(list, name)| sources.contains(&list) && !name.is_empty())
        };
        assert!(TABLE.iter().all(has_source));
        assert_eq!(fault_of(DUPLICATE_KEY), Fault::Content);
        assert_eq!(fault_of(UNAUTHORIZED), Fault::Collection);
        assert_eq!(fault_of(18), Fault::Connection);
        assert_eq!(fault_of(112), Fault::Moment);
        assert_eq!(fault_of(987_654), Fault::Unknown);
    }
}
