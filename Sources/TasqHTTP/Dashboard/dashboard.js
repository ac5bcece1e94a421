// Keeps the page as the server would draw it now. Without this the page is as complete, and still.
"use strict";
(() => {
    const live = document.getElementById("live");
    let waiting = false;
    let missed = false;

    async function redraw() {
        const answer = await fetch(location.href, { credentials: "same-origin" });
        if (!answer.ok || answer.redirected) return;
        const page = new DOMParser().parseFromString(await answer.text(), "text/html");
        const next = page.querySelector("main");
        const now = document.querySelector("main");
        const typing = now.contains(document.activeElement) && document.activeElement.tagName !== "A";
        // Nor is a form taken away from under who fills it in or is about to send it.
        const still = "still" in now.dataset;
        if (next && !typing && !still) now.replaceWith(document.adoptNode(next));
    }

    addEventListener("input", (event) => {
        const main = event.target.closest("main");
        if (main) main.dataset.still = "";
    });

    // At most once in two seconds, however much happens.
    function soon() {
        if (waiting) { missed = true; return; }
        waiting = true;
        redraw().catch(() => {}).finally(() => setTimeout(() => {
            waiting = false;
            if (missed) { missed = false; soon(); }
        }, 2000));
    }

    const stream = new EventSource("/v1/stream");
    for (const name of ["start", "success", "fail", "retry", "cancelled", "back", "queues", "gap", "idle"]) {
        stream.addEventListener(name, soon);
    }
    stream.onopen = () => { live.textContent = "live"; live.className = "on"; };
    stream.onerror = () => { live.textContent = "not live"; live.className = ""; };
    addEventListener("pagehide", () => stream.close());
})();
