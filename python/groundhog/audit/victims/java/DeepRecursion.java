/** Recursion until the stack ends; the error keeps the trace, and the guard pages are re-armed by the JVM. */
final class DeepRecursion extends Victim {
    private static String last;
    private static long deepest;

    private static long dive(String secret, long depth) {
        return dive(secret, depth + 1) + secret.length();
    }

    @Override
    String handle(String secret) {
        String seen = "{\"last\":" + (last == null ? "null" : "\"" + last + "\"") + ",\"runs\":" + deepest + "}";
        try {
            dive(secret, 0);
        } catch (StackOverflowError error) {
            last = error.getClass().getSimpleName();
            deepest++;
        }
        return seen;
    }

    public static void main(String[] arguments) throws Exception {
        new DeepRecursion().run();
    }
}
