package groundhog.crac;

import groundhog.Groundhog;

/** Takes what is registered with {@code org.crac}. */
public final class Context {
    static final Context GLOBAL = new Context();

    private Context() {}

    /**
     * Makes hooks of it.
     *
     * @param resource what was registered
     */
    public void register(Resource resource) {
        Groundhog.beforeSnapshot(resource::beforeCheckpoint);
        Groundhog.afterRestore(resource::afterRestore);
    }
}
