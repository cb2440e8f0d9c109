import groundhog.Groundhog;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * Allocates 16 MB in each request and keeps nothing of it, beside 20 MB that stay: what collectors of the JVM differ in.
 *
 * <pre>
 * javac -cp helpers/java -d build/classes benchmarks/functions/Allocate.java
 * groundhog bench --warm 300 -- java --add-opens=java.base/java.lang=ALL-UNNAMED -XX:+UseSerialGC -cp build/classes Allocate
 * </pre>
 */
public final class Allocate {
    private static final int KEPT = 20_000;
    private static final int BLOCKS = 40;
    private static final int NUMBERS = 100_000;
    private static final int BOXED = 2_000;

    private Allocate() {}

    public static void main(String[] arguments) {
        List<byte[]> kept = new ArrayList<>();
        for (int i = 0; i < KEPT; i++) {
            kept.add(new byte[1000]);
        }
        Groundhog.serve(request -> "{\"kept\":" + kept.size() + ",\"sum\":" + sum() + "}");
    }

    private static long sum() {
        long sum = 0;
        for (int block = 0; block < BLOCKS; block++) {
            int[] numbers = new int[NUMBERS];
            Arrays.fill(numbers, block);
            List<Integer> boxed = new ArrayList<>();
            for (int i = 0; i < BOXED; i++) {
                boxed.add(numbers[i] * 31 + i + 1000);
            }
            for (int number : boxed) {
                sum += number;
            }
        }
        return sum;
    }
}
