import java.io.ByteArrayOutputStream;
import java.io.PrintStream;

/** What runs when the virtual machine ends, what catches everything, and where everybody prints to. */
final class ShutdownHooks extends Victim {
    private static final Thread HOOK = new Thread(() -> { });
    private static final ByteArrayOutputStream PRINTED = new ByteArrayOutputStream();

    private static boolean isRegistered() {
        try {
            Runtime.getRuntime().addShutdownHook(HOOK);
            return false;
        } catch (IllegalArgumentException error) {
            return true;
        }
    }

    @Override
    String handle(String secret) {
        String seen = "{\"hook\":" + isRegistered() + ",\"catches\":"
                + (Thread.getDefaultUncaughtExceptionHandler() != null) + ",\"printed\":" + PRINTED.size() + "}";
        Thread.setDefaultUncaughtExceptionHandler((thread, error) -> PRINTED.writeBytes(secret.getBytes()));
        System.setOut(new PrintStream(PRINTED, true));
        System.out.println(secret);
        return seen;
    }

    public static void main(String[] arguments) throws Exception {
        new ShutdownHooks().run();
    }
}
