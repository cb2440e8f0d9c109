package groundhog.crac;

/**
 * Has Groundhog call what is registered with {@code org.crac}, which finds this by the name of its package: start java
 * with {@code -Dorg.crac.Core.Compat=groundhog.crac}.
 */
public final class Core {
    private Core() {}

    /**
     * The only one.
     *
     * @return it
     */
    public static Context getGlobalContext() {
        return Context.GLOBAL;
    }

    /** Is not for the function to say: the snapshot is taken from outside. */
    public static void checkpointRestore() {
        throw new UnsupportedOperationException("Groundhog takes the snapshot from outside of the process");
    }
}
