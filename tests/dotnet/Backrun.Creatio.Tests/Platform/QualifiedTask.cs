using System;
using System.Threading.Tasks;
using Terrasoft.Configuration;
using Terrasoft.Core.Tasks;

namespace Usr.Qualified {
	public class Pinger : IBackgroundTask<string> {
		public void Run(string parameters) => Happened.Note("qualified", parameters);

		public static async ValueTask StartAsync() {
			await System.Threading.Tasks.Task.Yield();
			Terrasoft.Core.Tasks.Task.StartNew<Pinger, string>("by its whole name");
		}
	}
}
