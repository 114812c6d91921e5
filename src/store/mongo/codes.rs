//! Error codes of the server, and what each is about. This table alone decides whether a write is repeated
//! as it is, waits for the operator, or is split until the document that is refused stands alone.
//!
//! Sources: `yml` is the list of names in the server's repository,
//! <https://github.com/mongodb/mongo/blob/master/src/mongo/base/error_codes.yml>; `spec` is the list of
//! retryable errors that all drivers follow,
//! <https://github.com/mongodb/specifications/blob/master/source/retryable-writes/retryable-writes.md>;
//! `index` and `size` are numbers that the server's index key generators and size checks use without a
//! name, each seen in the answer of a server 6.0; `atlas` is what MongoDB Atlas adds to the server.

use crate::store::error::Fault::{self, Collection, Connection, Content, Moment};

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
    Code(BAD_VALUE, Content, "yml: BadValue"),
    Code(6, Moment, "spec: HostUnreachable"),
    Code(7, Moment, "spec: HostNotFound"),
    Code(9, Content, "yml: FailedToParse"),
    Code(11, Connection, "yml: UserNotFound"),
    Code(UNAUTHORIZED, Collection, "yml: Unauthorized"),
    Code(14, Content, "yml: TypeMismatch"),
    Code(15, Content, "yml: Overflow"),
    Code(18, Connection, "yml: AuthenticationFailed"),
    Code(20, Collection, "yml: IllegalOperation"),
    Code(22, Content, "yml: InvalidBSON"),
    Code(24, Moment, "yml: LockTimeout"),
    Code(26, Collection, "yml: NamespaceNotFound"),
    Code(43, Moment, "yml: CursorNotFound"),
    Code(46, Moment, "yml: LockBusy"),
    Code(50, Moment, "yml: MaxTimeMSExpired"),
    Code(52, Content, "yml: DollarPrefixedFieldName"),
    Code(53, Content, "yml: InvalidIdField"),
    Code(55, Content, "yml: InvalidDBRef"),
    Code(56, Content, "yml: EmptyFieldName"),
    Code(57, Content, "yml: DottedFieldName"),
    Code(59, Collection, "yml: CommandNotFound"),
    Code(61, Collection, "yml: ShardKeyNotFound, of a router"),
    Code(64, Moment, "yml: WriteConcernTimeout"),
    Code(66, Content, "yml: ImmutableField"),
    Code(70, Moment, "yml: ShardNotFound, of a router"),
    Code(72, Collection, "yml: InvalidOptions"),
    Code(73, Collection, "yml: InvalidNamespace"),
    Code(79, Collection, "yml: UnknownReplWriteConcern"),
    Code(82, Moment, "yml: NoProgressMade, of a router"),
    Code(89, Moment, "spec: NetworkTimeout"),
    Code(90, Moment, "yml: CallbackCanceled"),
    Code(91, Moment, "spec: ShutdownInProgress"),
    Code(94, Moment, "yml: NotYetInitialized"),
    Code(100, Collection, "yml: UnsatisfiableWriteConcern"),
    Code(107, Moment, "yml: LockFailed"),
    Code(112, Moment, "yml: WriteConflict"),
    Code(115, Collection, "yml: CommandNotSupported"),
    Code(116, Content, "yml: DocTooLargeForCapped"),
    Code(117, Moment, "yml: ConflictingOperationInProgress"),
    Code(121, Content, "yml: DocumentValidationFailure"),
    Code(133, Moment, "yml: FailedToSatisfyReadPreference"),
    Code(134, Moment, "spec: ReadConcernMajorityNotAvailableYet"),
    Code(145, Moment, "yml: PooledConnectionsDropped"),
    Code(148, Collection, "yml: ReadConcernMajorityNotEnabled"),
    Code(150, Moment, "yml: StaleEpoch, of a router"),
    Code(161, Collection, "yml: IncompatibleCollationVersion"),
    Code(165, Collection, "yml: ViewDepthLimitExceeded"),
    Code(166, Collection, "yml: CommandNotSupportedOnView"),
    Code(167, Collection, "yml: OptionNotSupportedOnView"),
    Code(
        169,
        Collection,
        "yml: CommandOnShardedViewNotSupportedOnMongod",
    ),
    Code(171, Content, "yml: CannotIndexParallelArrays"),
    Code(175, Moment, "yml: QueryPlanKilled"),
    Code(182, Collection, "yml: InvalidViewDefinition"),
    Code(189, Moment, "spec: PrimarySteppedDown"),
    Code(199, Moment, "yml: ReplicaSetMonitorRemoved, of a router"),
    Code(201, Content, "yml: CannotBuildIndexKeys"),
    Code(202, Moment, "yml: NetworkInterfaceExceededTimeLimit"),
    Code(203, Moment, "yml: ShardingStateNotInitialized"),
    Code(208, Moment, "yml: TooManyLocks"),
    Code(210, Moment, "yml: CannotVerifyAndSignLogicalTime"),
    Code(211, Moment, "yml: KeyNotFound, of a cluster's clock"),
    Code(215, Moment, "yml: DatabaseDropPending"),
    Code(216, Moment, "yml: ElectionInProgress"),
    Code(227, Collection, "yml: CannotImplicitlyCreateCollection"),
    Code(237, Moment, "yml: CursorKilled"),
    Code(238, Collection, "yml: NotImplemented"),
    Code(239, Moment, "yml: SnapshotTooOld"),
    Code(242, Collection, "yml: CannotCreateCollection"),
    Code(246, Moment, "yml: SnapshotUnavailable"),
    Code(249, Moment, "yml: StaleDbVersion, of a router"),
    Code(250, Moment, "yml: StaleChunkHistory, of a router"),
    Code(261, Moment, "yml: TooManyLogicalSessions"),
    Code(262, Moment, "spec: ExceededTimeLimit"),
    Code(264, Moment, "yml: TooManyFilesOpen"),
    Code(272, Moment, "yml: MigrationConflict, of a router"),
    Code(276, Moment, "yml: IndexBuildAborted"),
    Code(279, Moment, "yml: ClientDisconnect"),
    Code(301, Collection, "yml: DataCorruptionDetected"),
    Code(303, Moment, "yml: SplitHorizonChange"),
    Code(319, Moment, "yml: MovePrimaryInProgress, of a router"),
    Code(322, Collection, "yml: APIVersionError"),
    Code(323, Collection, "yml: APIStrictError"),
    Code(324, Collection, "yml: APIDeprecationError"),
    Code(334, Connection, "yml: MechanismUnavailable"),
    Code(338, Moment, "yml: ReshardCollectionInProgress, of a router"),
    Code(
        342,
        Moment,
        "yml: ReshardingCriticalSectionTimeout, of a router",
    ),
    Code(
        343,
        Moment,
        "yml: ShardCannotRefreshDueToLocksHeld, of a router",
    ),
    Code(347, Collection, "yml: APIMismatchError"),
    Code(355, Moment, "yml: InterruptedDueToStorageChange"),
    Code(357, Content, "yml: InvalidBSONType"),
    Code(365, Moment, "yml: TemporarilyUnavailable"),
    Code(371, Moment, "yml: UserWritesBlocked"),
    Code(378, Content, "yml: NonConformantBSON"),
    Code(391, Moment, "yml: ReauthenticationRequired"),
    Code(402, Moment, "yml: ResourceExhausted"),
    Code(
        406,
        Moment,
        "yml: MigrationBlockingOperationCoordinatorCleaningUp",
    ),
    Code(
        407,
        Moment,
        "yml: PooledConnectionAcquisitionExceededTimeLimit",
    ),
    Code(411, Collection, "yml: QueryRejectedBySettings"),
    Code(412, Moment, "yml: UpdatesStillPending"),
    Code(433, Moment, "yml: AdmissionQueueOverflow"),
    Code(449, Moment, "yml: RateLimitExceeded"),
    Code(450, Moment, "yml: PooledConnectionAcquisitionRejected"),
    Code(
        453,
        Moment,
        "yml: InterruptedDueToReshardingCriticalSection",
    ),
    Code(462, Moment, "yml: IngressRequestRateLimitExceeded"),
    Code(8000, Collection, "atlas: AtlasError, as of a full quota"),
    Code(9001, Moment, "spec: SocketException"),
    Code(10003, Content, "yml: CannotGrowDocumentInCappedNamespace"),
    Code(10058, Moment, "yml: LegacyNotPrimary"),
    Code(10107, Moment, "spec: NotWritablePrimary"),
    Code(10334, Content, "yml: BSONObjectTooLarge"),
    Code(DUPLICATE_KEY, Content, "yml: DuplicateKey"),
    Code(11600, Moment, "spec: InterruptedAtShutdown"),
    Code(11601, Moment, "yml: Interrupted"),
    Code(11602, Moment, "spec: InterruptedDueToReplStateChange"),
    Code(
        12586,
        Moment,
        "yml: BackgroundOperationInProgressForDatabase",
    ),
    Code(
        12587,
        Moment,
        "yml: BackgroundOperationInProgressForNamespace",
    ),
    Code(13027, Content, "index: 2d, a point outside of its bounds"),
    Code(13297, Collection, "yml: DatabaseDifferCase"),
    Code(13388, Moment, "yml: StaleConfig, of a router"),
    Code(13435, Moment, "spec: NotPrimaryNoSecondaryOk"),
    Code(13436, Moment, "spec: NotPrimaryOrSecondary"),
    Code(14031, Moment, "yml: OutOfDiskSpace"),
    Code(16755, Content, "index: 2dsphere, no such shape"),
    Code(16766, Content, "index: hashed, a list"),
    Code(16804, Content, "index: 2d, no point"),
    Code(17261, Content, "index: text, a language that is no string"),
    Code(17262, Content, "index: text, an unknown language"),
    Code(17280, Content, "yml: OBSOLETE_KeyTooLong"),
    Code(
        17419,
        Content,
        "size: a document that grows beyond the limit",
    ),
    Code(46841, Moment, "yml: ClientMarkedKilled"),
    Code(50915, Moment, "yml: BackupCursorOpenConflictWithCheckpoint"),
    Code(56846, Moment, "yml: ConfigServerUnreachable, of a router"),
    Code(91331, Moment, "yml: RetriableRemoteCommandFailure"),
    Code(10_045_600, Moment, "yml: InterruptedDueToFCVChange"),
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
        assert_eq!(fault_of(DUPLICATE_KEY), Content);
        assert_eq!(fault_of(UNAUTHORIZED), Collection);
        assert_eq!(fault_of(18), Connection);
        assert_eq!(fault_of(112), Moment);
        assert_eq!(fault_of(987_654), Fault::Unknown);
    }
}
