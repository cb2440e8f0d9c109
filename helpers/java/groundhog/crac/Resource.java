package groundhog.crac;

/** What {@code org.crac} wraps each of its resources in: it calls those of the same names. */
public interface Resource {
    /**
     * Runs before the snapshot.
     *
     * @throws Exception whatever goes wrong
     */
    void beforeCheckpoint() throws Exception;

    /**
     * Runs after each restore.
     *
     * @throws Exception whatever goes wrong
     */
    void afterRestore() throws Exception;
}
