package groundhog.crac;

/** Looked for by {@code org.crac}; never thrown. */
public final class RestoreException extends Exception {
    private static final long serialVersionUID = 1;

    private RestoreException() {}
}
