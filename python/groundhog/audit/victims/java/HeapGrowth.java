import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;

/** Objects that stay, until the collector runs; memory outside the heap; a class loaded late. */
final class HeapGrowth extends Victim {
    private static final List<Object> KEPT = new ArrayList<>();

    @Override
    String handle(String secret) {
        int seen = KEPT.size();
        for (int i = 0; i < 2000; i++) {
            KEPT.add(secret + i);
        }
        byte[] bytes = new byte[512 << 10];
        java.util.Arrays.fill(bytes, (byte) secret.charAt(0));
        KEPT.add(bytes);
        ByteBuffer outside = ByteBuffer.allocateDirect(256 << 10);
        while (outside.hasRemaining()) {
            outside.put((byte) secret.charAt(outside.position() % secret.length()));
        }
        KEPT.add(outside);
        if (KEPT.size() > 40_000) {
            KEPT.clear();
            System.gc();
        }
        return "{\"kept\":" + seen + "}";
    }

    public static void main(String[] arguments) throws Exception {
        new HeapGrowth().run();
    }
}
