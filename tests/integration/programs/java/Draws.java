import groundhog.Groundhog;
import java.lang.reflect.Field;
import java.security.SecureRandom;
import java.util.*;
import java.util.concurrent.*;
import java.util.random.RandomGenerator;

public final class Draws {
    static String hex(SecureRandom random) {
        byte[] bytes = new byte[12];
        random.nextBytes(bytes);
        return HexFormat.of().formatHex(bytes);
    }

    static Field field(Class<?> owner, String name) throws Exception {
        Field field = owner.getDeclaredField(name);
        field.setAccessible(true);
        return field;
    }

    /** What NativePRNG has read is used up to 100 ms later: here forever, as when the clock is set back. */
    static void freeze(SecureRandom random, String name) throws Exception {
        Object shared = field(Class.forName(name), "INSTANCE").get(null);
        Field read = field(shared.getClass(), "lastRead");
        read.setLong(shared, 0);
        hex(random);
        read.setLong(shared, System.currentTimeMillis() + 1_000_000_000L);
    }

    public static void main(String[] arguments) throws Exception {
        Random own = Groundhog.reseed(new Random(1));
        SecureRandom standard = new SecureRandom();
        SecureRandom strong = SecureRandom.getInstanceStrong();
        SecureRandom sha1 = Groundhog.reseed(SecureRandom.getInstance("SHA1PRNG"));
        SecureRandom drbg = Groundhog.reseed(SecureRandom.getInstance("DRBG"));
        ExecutorService pool = Executors.newFixedThreadPool(1);
        Groundhog.Handler draw = request -> {
            Map<String, Object> drawn = new LinkedHashMap<>();
            drawn.put("Math.random", Math.random());
            drawn.put("StrictMath.random", StrictMath.random());
            drawn.put("ThreadLocalRandom", ThreadLocalRandom.current().nextLong());
            drawn.put("that of a pool", pool.submit(() -> ThreadLocalRandom.current().nextLong()).get());
            drawn.put("own Random", own.nextLong());
            drawn.put("own SHA1PRNG", hex(sha1));
            drawn.put("own DRBG", hex(drbg));
            drawn.put("SecureRandom", hex(standard));
            drawn.put("strong", hex(strong));
            drawn.put("randomUUID", UUID.randomUUID());
            drawn.put("new Random", new Random().nextLong());
            drawn.put("new SecureRandom", hex(new SecureRandom()));
            drawn.put("new SHA1PRNG", hex(SecureRandom.getInstance("SHA1PRNG")));
            drawn.put("new DRBG", hex(SecureRandom.getInstance("DRBG")));
            drawn.put("new SplittableRandom", new SplittableRandom().nextLong());
            drawn.put("new L64X128MixRandom", RandomGenerator.of("L64X128MixRandom").nextLong());
            drawn.put("new Xoshiro256PlusPlus", RandomGenerator.of("Xoshiro256PlusPlus").nextLong());
            List<Character> letters = new ArrayList<>();
            for (char letter = 'A'; letter <= 'Z'; letter++) {
                letters.add(letter);
            }
            Collections.shuffle(letters);
            drawn.put("shuffle", letters);
            StringJoiner json = new StringJoiner(",", "{", "}");
            drawn.forEach((name, value) -> json.add('"' + name + "\":\"" + value + '"'));
            return json.toString();
        };
        draw.answer(""); // every generator is in use before the snapshot
        Groundhog.beforeSnapshot(() -> {
            freeze(standard, "sun.security.provider.NativePRNG");
            freeze(strong, "sun.security.provider.NativePRNG$Blocking");
        });
        Groundhog.serve(draw);
    }
}
