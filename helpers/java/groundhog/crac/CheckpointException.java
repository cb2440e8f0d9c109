package groundhog.crac;

/** Looked for by {@code org.crac}; never thrown. */
public final class CheckpointException extends Exception {
    private static final long serialVersionUID = 1;

    private CheckpointException() {}
}
