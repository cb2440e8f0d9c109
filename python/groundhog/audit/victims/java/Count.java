/** A counter in a static field. */
final class Count extends Victim {
    private static int count;

    @Override
    String handle(String secret) {
        return "{\"count\":" + ++count + "}";
    }

    public static void main(String[] arguments) throws Exception {
        new Count().run();
    }
}
