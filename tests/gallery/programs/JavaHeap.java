import java.io.BufferedReader;
import java.io.FileOutputStream;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.lang.ref.Cleaner;
import java.lang.ref.SoftReference;
import java.util.HashMap;
import java.util.Map;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** A function in Java with garbage, caches that the collector may empty, cleaners, and a timer that goes on. */
public final class JavaHeap {
    private static final Pattern NUMBER = Pattern.compile("\"n\":\\s*(\\d+)");
    private static final Cleaner CLEANER = Cleaner.create();
    private static final AtomicInteger TICKS = new AtomicInteger();

    private JavaHeap() {}

    public static void main(String[] arguments) throws Exception {
        Map<Integer, SoftReference<byte[]>> cache = new HashMap<>();
        BufferedReader requests = new BufferedReader(new InputStreamReader(System.in));
        try (PrintStream answers = new PrintStream(new FileOutputStream("/dev/fd/3"), true)) {
            ScheduledExecutorService timer = Executors.newSingleThreadScheduledExecutor();
            timer.scheduleAtFixedRate(TICKS::incrementAndGet, 10, 10, TimeUnit.MILLISECONDS);
            if (System.getenv("OW_WAIT_FOR_ACK") != null) {
                answers.println("{\"ok\":true}");
            }
            for (String line = requests.readLine(); line != null; line = requests.readLine()) {
                Matcher found = NUMBER.matcher(line);
                int n = found.find() ? Integer.parseInt(found.group(1)) : 0;
                long sum = 0;
                for (int i = 0; i < n * 200; i++) {
                    byte[] garbage = new byte[16384];
                    garbage[i % garbage.length] = (byte) i;
                    sum += garbage[i % garbage.length];
                    CLEANER.register(garbage, () -> {});
                }
                cache.put(n, new SoftReference<>(new byte[1 << 20]));
                System.gc();
                answers.println(String.format("{\"kept\":%d,\"sum\":%d}", cache.size(), sum));
            }
            timer.shutdown();
        }
    }
}
