/** Methods that become hot in a request and are compiled then, with what the profile has seen of the caller. */
final class Compiled extends Victim {
    private interface Shape {
        int size(String secret);
    }

    private static final Shape[] SHAPES = {String::length, secret -> secret.charAt(1), String::hashCode};
    private static long total;
    private static int runs;

    private static long hot(Shape shape, String secret, int rounds) {
        long sum = 0;
        for (int i = 0; i < rounds; i++) {
            sum += shape.size(secret) * (long) i % 7;
        }
        return sum;
    }

    @Override
    String handle(String secret) {
        String seen = "{\"total\":" + total + ",\"runs\":" + runs + "}";
        for (int i = 0; i < 50; i++) {
            total += hot(SHAPES[runs % SHAPES.length], secret, 5000);
        }
        runs++;
        return seen;
    }

    public static void main(String[] arguments) throws Exception {
        new Compiled().run();
    }
}
