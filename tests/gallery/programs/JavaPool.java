import java.io.BufferedReader;
import java.io.FileOutputStream;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.IntStream;

/** A function in Java: a pool of threads, parallel streams, a list that is kept. */
public final class JavaPool {
    private static final Pattern NUMBER = Pattern.compile("\"n\":\\s*(\\d+)");
    private static final List<Integer> ORDERS = Collections.synchronizedList(new ArrayList<>());

    private JavaPool() {}

    public static void main(String[] arguments) throws Exception {
        ExecutorService pool = Executors.newCachedThreadPool();
        BufferedReader requests = new BufferedReader(new InputStreamReader(System.in));
        try (PrintStream answers = new PrintStream(new FileOutputStream("/dev/fd/3"), true)) {
            if (System.getenv("OW_WAIT_FOR_ACK") != null) {
                answers.println("{\"ok\":true}");
            }
            for (String line = requests.readLine(); line != null; line = requests.readLine()) {
                Matcher found = NUMBER.matcher(line);
                int n = found.find() ? Integer.parseInt(found.group(1)) : 0;
                ORDERS.add(n);
                List<Future<Integer>> results = new ArrayList<>();
                for (int i = 0; i < n; i++) {
                    int number = i;
                    results.add(pool.submit(() -> number * number));
                }
                int squares = 0;
                for (Future<Integer> result : results) {
                    squares += result.get();
                }
                long sum = IntStream.range(0, n * 1000).parallel().asLongStream().sum();
                answers.println(
                        String.format("{\"orders\":\"%s\",\"squares\":%d,\"sum\":%d}", ORDERS, squares, sum));
            }
        }
    }
}
